"""What of a message is read, and how our names are found in it."""

from __future__ import annotations

from kith.understanding.gazetteer import Gazetteer, Name, spellings_of
from kith.understanding.reading import HEAD, TAIL, words_of


def test_quotes_and_signatures_are_not_read() -> None:
    text = "The bell is late.\n-- \nAda\n> you wrote: you are the worst"
    words = words_of(subject="Re: Bells", text=text, quote_at=text.index(">"), signature_at=text.index("--"))
    assert (words.text, words.cut) == ("The bell is late.", False)


def test_a_subject_of_ones_own_is_read_and_the_one_answered_is_not() -> None:
    values = {"text": "Please.", "quote_at": None, "signature_at": None}
    assert words_of(subject="Cancel my order", **values).text == "Cancel my order\nPlease."  # type: ignore[arg-type]
    for subject in ("Re: Cancel my order", "AW: Cancel", "Fwd[2]: Cancel"):
        assert words_of(subject=subject, **values).text == "Please."  # type: ignore[arg-type]


def test_of_a_long_text_the_beginning_and_the_end_are_read_and_that_is_said() -> None:
    text = "a" * 9000 + "the end"
    words = words_of(subject="", text=text, quote_at=None, signature_at=None)
    assert words.cut
    assert len(words.text) == HEAD + TAIL + 1
    assert words.text.endswith("the end")
    longer = words_of(
        subject="", text="b" + text[1:4000] + "x" + text[4001:], quote_at=None, signature_at=None
    )
    assert longer.digest != words.digest


def find(text: str, *names: Name) -> list[tuple[str, str]]:
    return [(f["name"], f["text"]) for f in Gazetteer(names).find(text)]


BELL = Name("1", "product", "Velo Glöckchen", ("Glocke 3000",))
CAFE = Name("2", "place", "Café", ())


def test_names_are_found_on_word_boundaries_without_case_and_accents() -> None:
    assert find("My VELO  GLOCKCHEN rings", BELL) == [("Velo Glöckchen", "VELO  GLOCKCHEN")]
    assert find("the glocke 3000!", BELL) == [("Velo Glöckchen", "glocke 3000")]
    assert find("glocke 30001, Velo Glöckchens", BELL) == []
    assert find("at the cafe, cafés are closed", CAFE) == [("Café", "cafe")]
    assert find("im Cafe\u0301 nebenan", CAFE) == [("Café", "Cafe\u0301")]


def test_names_without_spaces_between_words_are_found_anywhere() -> None:
    assert find("東京自転車店で買った", Name("3", "place", "東京", ())) == [("東京", "東京")]


def test_a_spelling_of_two_names_finds_both_and_each_once() -> None:
    other = Name("4", "competitor", "Glocke 3000", ())
    assert {name for name, _ in find("Glocke 3000, glocke 3000", BELL, other)} == {
        "Velo Glöckchen",
        "Glocke 3000",
    }
    assert len(find("Glocke 3000, glocke 3000", BELL, other)) == 2


def test_pattern_signs_in_a_name_are_letters() -> None:
    assert find("we love C++ (and .*)", Name("5", "product", "C++", ())) == [("C++", "C++")]
    assert find("anything", Name("6", "product", ".*", ())) == []


def test_spellings_are_lines() -> None:
    assert spellings_of(" a b \n\n a  b\nc") == ["a b", "c"]
