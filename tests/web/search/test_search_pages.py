"""The search page: what it finds for whom, in groups and page by page, and how it teaches."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity
from kith.conversations.services.actions import note_add
from kith.conversations.types import IncomingAttachment
from kith.teams.models import User
from kith.work.services import note_write
from kith.workspace.search_query import part_text, search_parse, search_parts
from tests.support.cast import NOON, Cast, client_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def page(user: User, text: str, **more: str) -> str:
    return client_of(user).get(reverse("search"), {"q": text, **more}).content.decode()


def found(user: User, text: str, **more: str) -> list[str]:
    """The messages that a page shows, by their ids."""
    return re.findall(r'data-row="([0-9a-f-]{36})"', page(user, text, **more))


@pytest.fixture
def mails(cast: Cast) -> dict[str, str]:
    rows = {
        "open": cast.mail(cast.everyone, subject="Wheel", text="A squeaking wheel", at=NOON),
        "sales": cast.mail(
            cast.sales_scope,
            subject="Offer",
            text="An offer for a wheel",
            sender="cora@x.example",
            name="Cora",
            at=NOON + timedelta(days=1),
            attachments=(IncomingAttachment("wheel-offer.pdf", "application/pdf"),),
        ),
        "secret": cast.mail(
            cast.private, subject="Secret wheel", text="Unspeakable wheel", sender="dan@x.example", name="Dan"
        ),
    }
    return {name: str(row.message_id) for name, row in rows.items()}


def test_nobody_finds_what_they_may_not_see_in_any_group(cast: Cast, mails: dict[str, str]) -> None:
    assert mails["secret"] in found(cast.carl, "wheel")
    for kind in ("", "messages", "people", "notes", "files"):
        for user in (cast.ines, cast.olga, cast.pia):
            text = page(user, "wheel", kind=kind)
            assert "nspeakable" not in text
            assert "Secret" not in text
            assert mails["secret"] not in text
        text = page(cast.ines, "wheel", kind=kind)
        assert "wheel-offer" not in text
        assert "Cora" not in text
    assert mails["open"] in found(cast.ines, "wheel")
    assert "offer.pdf" in page(cast.olga, "wheel", kind="files")


def test_a_note_to_colleagues_is_found_by_those_who_see_its_conversation(
    cast: Cast, mails: dict[str, str]
) -> None:
    recorded = cast.mail(cast.private, sender="eve@x.example", name="Eve")
    note_add(cast.viewer(cast.carl), recorded.conversation_id, text="Her zither is unspeakable")
    assert "zither" in page(cast.carl, "zither", kind="notes").split('id="found"')[1]
    assert "unspeakable" not in page(cast.olga, "zither", kind="notes")


def test_notes_on_people_are_found_with_their_person(cast: Cast, mails: dict[str, str]) -> None:
    ada = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    note_write(cast.viewer(cast.carl), contact_id=ada.pk, text="Collects unicycles and bells")
    for kind in ("", "notes"):
        text = page(cast.ines, "unicyc", kind=kind).split('id="found"')[1]
        assert "<mark>unicycles</mark>" in text
        assert reverse("person", args=[ada.pk]) in text
    note_write(cast.viewer(cast.carl), contact_id=ada.pk, text="Tandems", scope_id=cast.private.pk)
    assert "<mark>Tandems</mark>" in page(cast.carl, "tandems", kind="notes")
    for kind in ("", "notes"):
        assert "Tandems" not in page(cast.ines, "tandems", kind=kind)
    for text in ("unicycles channel:mail", "unicycles -bells", "unicycles before:2020"):
        assert found(cast.ines, text) == []


def test_people_and_files_stand_in_groups_of_their_own(cast: Cast, mails: dict[str, str]) -> None:
    contact_for_identity(identity=Identity.objects.get(external_id="cora@x.example"))
    text = page(cast.carl, "cora")
    assert text.index('id="g-people"') < text.index('id="g-messages"')
    assert "Cora" in text
    text = page(cast.carl, "offer")
    assert "<mark>offer</mark>.pdf" in text
    assert 'id="g-files"' in text


def test_pages_show_each_message_once_and_all(cast: Cast) -> None:
    made = {
        str(
            cast.mail(
                cast.everyone, sender=f"p{n}@x.example", text="zebra", at=NOON + timedelta(minutes=n // 2)
            ).message_id
        )
        for n in range(65)
    }
    client, seen = client_of(cast.ines), []
    answer = client.get(reverse("search"), {"q": "zebra"}).content.decode()
    for _ in range(5):
        seen += re.findall(r'data-row="([0-9a-f-]{36})"', answer)
        more = re.search(r'hx-get="(/search/\?[^"]*cursor=[^"]*)"', answer)
        if more is None:
            break
        answer = client.get(html.unescape(more[1]), headers=HTMX).content.decode()
        assert "<html" not in answer
    assert len(seen) == len(set(seen)) == 65
    assert set(seen) == made


def test_filters_are_chips_each_with_the_way_to_do_without_it(cast: Cast, mails: dict[str, str]) -> None:
    text = page(cast.olga, 'wheel from:"Cora" before:2027 has:file in:nowhere')
    for said in ("From Cora", "Has a file", "in:nowhere was not understood"):
        assert said in text
    links = [html.unescape(link) for link in re.findall(r'<a href="([^"]*)" class="chip', text)]
    assert len(links) == 4
    assert not any("Cora" in link for link in links[:1])
    assert all("has%3Afile" in link for link in links[:2])
    assert mails["sales"] in found(cast.olga, 'wheel from:"Cora" before:2027 has:file')
    assert found(cast.olga, "wheel before:2020") == []


def test_an_empty_page_teaches_and_every_example_is_understood(cast: Cast) -> None:
    text = page(cast.ines, "")
    examples = [html.unescape(e) for e in re.findall(r"<code>([^<]*)</code></a></dt>", text)]
    assert len(examples) >= 12
    assert [e for e in examples if search_parse(e + " ").problems] == []
    assert "Nothing found" in page(cast.ines, "nothingofthiskind")


def test_the_forms_at_the_side_put_filters_into_the_search(cast: Cast) -> None:
    answer = client_of(cast.ines).get(
        reverse("search"), {"q": "wheel", "add_from": "Ada Lovelace", "add_after": "2026-05-01", "add_to": ""}
    )
    assert answer.status_code == 302
    assert "wheel+from%3A%22Ada+Lovelace%22+after%3A2026-05-01" in answer.headers["location"]


@pytest.mark.parametrize(
    "text",
    ["'", '"', "from:'x", "((", "%", "\\", "a' | 'b", "é" * 600, "from:%(x)s", "<script>alert(1)</script>"],
)
def test_nothing_typed_raises_or_is_markup(cast: Cast, mails: dict[str, str], text: str) -> None:
    for kind in ("", "people", "notes", "files"):
        answer = client_of(cast.carl).get(reverse("search"), {"q": text, "kind": kind})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
        assert client_of(cast.carl).get(reverse("palette"), {"q": text, "mode": "search"}).status_code == 200


def test_what_one_wrote_oneself_is_found_by_from_me(cast: Cast) -> None:
    recorded = cast.mail(cast.everyone)
    note_add(cast.viewer(cast.carl), recorded.conversation_id, text="lantern by Carl")
    note_add(cast.viewer(cast.ines), recorded.conversation_id, text="lantern by Ines")
    text = page(cast.carl, "lantern from:me", kind="messages").split('id="found"')[1]
    assert "by Carl" in text
    assert "by Ines" not in text


def test_parts_keep_what_was_typed() -> None:
    typed = 'wheel from:ada tag:"bad brakes" -bell "front wheel"'
    assert [(p.name, p.value) for p in search_parts(typed)] == [
        ("", "wheel"),
        ("from", "ada"),
        ("tag", "bad brakes"),
        ("", "bell"),
        ("", "front wheel"),
    ]
    assert " ".join(p.text for p in search_parts(typed)) == typed
    assert part_text("tag", "bad brakes") == 'tag:"bad brakes"'


def test_days_are_those_of_the_reader(settings: Any) -> None:
    from datetime import UTC, datetime

    from django.utils import timezone

    with timezone.override("Europe/Berlin"):
        query = search_parse("before:2026-07-01 after:2026-06 ")
        assert query.before == datetime(2026, 6, 30, 22, tzinfo=UTC)
        assert query.after == query.before
        week = search_parse("after:7d ").after
        assert week is not None
        assert timezone.localtime(week).hour == 0


def test_the_palette_offers_the_whole_search_and_what_one_may_open(cast: Cast, mails: dict[str, str]) -> None:
    def palette(user: User, text: str, mode: str = "jump") -> str:
        return client_of(user).get(reverse("palette"), {"q": text, "mode": mode}).content.decode()

    first = palette(cast.carl, "wheel", "search")
    assert first.index('id="o-everything"') < first.index('id="o-m-1"')
    assert reverse("search") + "?q=wheel" in first
    jump = palette(cast.carl, "wheel")
    assert jump.index('id="o-m-1"') < jump.index('id="o-everything"')
    assert "<mark>wheel</mark>" in jump
    assert "Unassigned" in palette(cast.ines, "unass")
    assert "Workshop" in palette(cast.ines, "work")
    assert "Sales" not in palette(cast.ines, "sales")
    assert "Write to somebody" in palette(cast.ines, "write")
    assert "Write to somebody" not in palette(cast.pia, "write")
    assert "Unspeakable" not in palette(cast.ines, "unspeakable", "search")
