from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.connectors.mastodon.fake import US, FakeServer, status
from tests.connectors.mastodon.real import setup_for
from tests.connectors.mastodon.test_polling import OWN, made

from kith.connectors.conformance import Answer, Asked, serving
from kith.connectors.contract import (
    Media,
    NotSupported,
    Outgoing,
    OwnIdentity,
    Party,
    ReconnectNeeded,
    Refused,
    Registers,
    RetryLater,
)
from kith.connectors.mastodon.connector import Connector
from kith.connectors.mastodon.send import addressed, length_of, visibility_of
from kith.connectors.mastodon.text import plain

BOB = Party("x", "@bob@elsewhere.example", role="to")
OUT = Outgoing("k1", "Hello", (BOB,), visibility="public")
SINCE = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", "@bob@elsewhere.example Hello"),
        ("Hello @bob@elsewhere.example!", "Hello @bob@elsewhere.example!"),
        ("Hello @BOB@Elsewhere.example.", "Hello @BOB@Elsewhere.example."),
        ("Hello @bob@elsewhere.example.com", "@bob@elsewhere.example Hello @bob@elsewhere.example.com"),
        ("mail jim@bob@elsewhere.example", "@bob@elsewhere.example mail jim@bob@elsewhere.example"),
    ],
)
def test_whoever_is_answered_is_mentioned(text: str, expected: str) -> None:
    assert addressed(replace(OUT, text=text)) == expected


@pytest.mark.parametrize(
    ("visibility", "said", "expected"),
    [
        ("public", "", "public"),
        ("private", "", "direct"),
        ("public", "unlisted", "unlisted"),
        ("private", "private", "private"),
        ("public", "direct", "direct"),
        ("private", "public", Refused),
        ("private", "unlisted", Refused),
        ("public", "loud", Refused),
    ],
)
def test_what_is_private_is_never_widened(visibility: Any, said: str, expected: Any) -> None:
    outgoing = replace(OUT, visibility=visibility, extra={"visibility": said} if said else {})
    if expected is Refused:
        with pytest.raises(Refused):
            visibility_of(outgoing)
    else:
        assert visibility_of(outgoing) == expected


def test_a_private_mention_of_nobody_is_refused() -> None:
    with pytest.raises(Refused):
        addressed(Outgoing("k", "Hello", ()))


def test_length_as_the_network_counts() -> None:
    assert length_of("see https://example.org/" + "x" * 400) == 4 + 23
    assert length_of("@bob@elsewhere.example hi") == len("@bob hi")
    assert length_of("🚲ü") == 2


def test_the_servers_own_limit_counts() -> None:
    own = OwnIdentity(OWN.external_id, OWN.handle, details={**OWN.details, "max_characters": "20"})
    connector = Connector(setup_for("http://127.0.0.1:1", "token", own))
    with pytest.raises(Refused, match="20 is the most"):
        connector.send(replace(OUT, text="x" * 30))


def test_everything_is_sent_along() -> None:
    fake = FakeServer()
    fake.faults["POST /api/v2/media"] = Answer({"id": "m5"})
    fake.faults["POST /api/v1/statuses"] = Answer(
        status(50, account=US), headers={"X-RateLimit-Remaining": "7"}
    )
    out = replace(
        OUT,
        in_reply_to="7",
        content_warning="wheels",
        language="de",
        media=(Media("a.png", "image/png", content=b"PNG", alt_text="a wheel"),),
    )
    with serving(fake) as server:
        receipt = made(server).send(out)
        media, post = server.asked
    assert (receipt.external_id, receipt.budget.remaining) == ("50", 7)
    assert b"a wheel" in media.body
    assert b"PNG" in media.body
    assert post.headers["idempotency-key"] == "k1"
    assert post.headers["connection"] == "close"
    assert {name: value for name, (value,) in parse_qs(post.body.decode()).items()} == {
        "status": "@bob@elsewhere.example Hello",
        "visibility": "public",
        "in_reply_to_id": "7",
        "spoiler_text": "wheels",
        "sensitive": "true",
        "language": "de",
        "media_ids[]": "m5",
    }


def test_an_upload_that_fails_may_be_tried_again() -> None:
    fake = FakeServer()
    fake.faults["POST /api/v2/media"] = "server_error"
    with serving(fake) as server:
        with pytest.raises(RetryLater):
            made(server).send(replace(OUT, media=(Media("a.png", "image/png", content=b"PNG"),)))
        assert [asked.path for asked in server.asked] == ["/api/v2/media"]


def test_an_edit_keeps_the_files() -> None:
    fake = FakeServer()
    fake.statuses["50"] = status(50, media_attachments=[{"id": "m5"}])
    fake.faults["PUT /api/v1/statuses/50"] = Answer(status(50))
    with serving(fake) as server:
        made(server).edit("50", OUT)
    assert parse_qs(server.asked[-1].body.decode())["media_ids[]"] == ["m5"]


def test_deleting() -> None:
    fake = FakeServer()
    with serving(fake) as server:
        made(server).delete("50")  # gone already
        fake.statuses["50"] = status(50)
        with pytest.raises(NotSupported):
            made(server).delete("50")  # this server has no such route


def found(fake: FakeServer, outgoing: Outgoing) -> str:
    with serving(fake) as server:
        return made(server).find_sent(outgoing, since=SINCE).state


def ours(number: int, text: str, **rest: Any) -> dict[str, Any]:
    return status(number, account=US, text=text, **rest)


def test_a_post_is_found_by_its_text_and_what_it_answers() -> None:
    text = "@bob@elsewhere.example Hello"
    fake = FakeServer()
    fake.own = [ours(1, "something else"), ours(2, text)]
    assert found(fake, OUT) == "sent"
    assert found(fake, replace(OUT, in_reply_to="7")) == "not_sent"
    fake.own = [ours(2, text, created_at="2026-03-01T07:00:00.000Z")]
    assert found(fake, OUT) == "not_sent"
    fake.own = [status(2, text=text)]
    assert found(fake, OUT) == "not_sent"


def test_without_the_source_the_html_is_compared() -> None:
    fake = FakeServer()
    fake.own = [status(2, account=US, content="<p>@bob@elsewhere.example   Hello</p>")]
    assert found(fake, OUT) == "sent"


def test_a_reply_is_looked_for_below_what_it_answers() -> None:
    out = replace(OUT, in_reply_to="7", visibility="private")
    fake = FakeServer()
    fake.contexts["7"] = {
        "ancestors": [],
        "descendants": [ours(8, "@bob@elsewhere.example Hello", in_reply_to_id="7")],
    }
    assert found(fake, out) == "sent"
    fake.contexts["7"] = {"ancestors": [], "descendants": []}
    assert found(fake, out) == "not_sent"


def test_a_list_that_leaves_private_posts_out_proves_nothing() -> None:
    fake = FakeServer()
    fake.own = [ours(1, "public")]
    private = replace(OUT, visibility="private")
    assert found(fake, private) == "unknown"
    fake.own = [ours(1, "public"), ours(2, "another", visibility="direct")]
    assert found(fake, private) == "not_sent"


def test_a_list_cut_short_proves_nothing() -> None:
    fake = FakeServer()
    fake.own = [ours(n, "other") for n in range(1, 400)]
    assert found(fake, OUT) == "unknown"


def test_a_failing_server_proves_nothing() -> None:
    def respond(asked: Asked) -> Any:
        return "server_error" if asked.path.endswith("/source") else fake(asked)

    fake = FakeServer()
    fake.own = [status(2, account=US, content="<p>other</p>")]
    with serving(respond) as server:
        assert made(server).find_sent(OUT, since=SINCE).state == "unknown"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        (
            '<a href="https://a.example/long/path"><span class="invisible">https://</span><span>a.example/lo</span></a>',
            "https://a.example/long/path",
        ),
        ('<a href="https://a.example">our page</a>', "our page (https://a.example)"),
        ('<a href="javascript:alert(1)">our page</a>', "our page"),
        ('<a class="u-url mention" href="https://a.example/@b">@<span>b</span></a> hi', "@b hi"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("&lt;b&gt; &amp;amp; &#x1F6B2;", "<b> &amp; 🚲"),
        ("<script>alert(1)</script>x<style>y</style>", "x"),
        ('<img alt=":heart:" src="x"> <b>bold', ":heart: bold"),
        ("<div>" * 50_000 + "deep", "deep"),
        ("", ""),
    ],
)
def test_posts_as_text(html: str, text: str) -> None:
    assert plain(html) == text


def test_it_registers_before_anyone_logs_in() -> None:
    assert isinstance(made_nowhere(), Registers)
    with pytest.raises(ReconnectNeeded) as caught:
        made_nowhere().authorize_url(redirect_uri="https://crm.example/back", state="s")
    assert caught.value.field == "client_id"
    with pytest.raises(ReconnectNeeded):
        made_nowhere().refresh()


def made_nowhere() -> Connector:
    return Connector(setup_for("http://127.0.0.1:1", "token"))
