"""Text that would keep PostgreSQL's parser of words busy for minutes is found all the same, and soon."""

from __future__ import annotations

import pytest
from django.db import connection

from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Message, SearchDocument
from kith.conversations.services import messages_record, search_documents_write
from kith.conversations.types import IncomingMessage, IncomingParticipant, Place
from kith.teams.types import Viewer
from kith.workspace.search import START, STOP, search_messages
from tests.support import house

pytestmark = pytest.mark.django_db
# At each character the parser looks for a tag, an address or a number that may end anywhere further on.
PATTERNS = ["a_", "~/", "1e@", "1-a-", "é_", "<!--", "<!-- x ", "<a b='c' ", "a1-1-a-"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_hundred_thousand_characters_of_it(pattern: str) -> None:
    account = house.account()
    ada = IncomingParticipant(ObservedIdentity("simulator", "ada", handle="ada"), "from")
    text = f"before {pattern * (99_000 // len(pattern))} afterwards"
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = '20s'"
        )  # a second at most; without care, one minute or more
    messages_record(
        Place("simulator", account.scope_id, account.pk, house.LONG_AGO),
        [IncomingMessage("1", house.ago(hours=1), (ada,), text)],
    )
    assert Message.objects.get().text == text
    for word in ("before", "afterwards"):
        assert SearchDocument.objects.extra(
            where=["vector @@ to_tsquery('kith', %s)"], params=[word]
        ).exists()


def test_a_tag_in_a_text_is_words_as_any_other() -> None:
    account = house.account()
    ada = IncomingParticipant(ObservedIdentity("simulator", "ada", handle="ada"), "from")
    messages_record(
        Place("simulator", account.scope_id, account.pk, house.LONG_AGO),
        [
            IncomingMessage(
                "1", house.ago(hours=1), (ada,), "see <strong>lamps</strong> and <ada@out.example>"
            )
        ],
    )
    for word in ("lamps", "ada@out.example"):
        assert SearchDocument.objects.extra(
            where=["vector @@ phraseto_tsquery('kith', %s)"], params=[word]
        ).exists()


@pytest.mark.parametrize("pattern", ["a_", "<!--"])
def test_the_search_shows_it_soon_too(pattern: str) -> None:
    account = house.account()
    ada = IncomingParticipant(ObservedIdentity("simulator", "ada", handle="ada"), "from")
    text = f"see <b>lamps</b> {pattern * (99_000 // len(pattern))}"
    messages_record(
        Place("simulator", account.scope_id, account.pk, house.LONG_AGO),
        [IncomingMessage("1", house.ago(hours=1), (ada,), text)],
    )
    mara = house.user(role="admin")
    viewer = Viewer(mara.pk, mara.role, (), (account.scope_id,), sees_all=True)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")
    hit = search_messages(viewer, "lamps").hits[0]
    assert f"{START}lamps{STOP}" in hit.snippet


@pytest.mark.parametrize(
    "text",
    ["short", "a " * 600, "a" * 199 + "\n" + "b " * 600, "x" * 200 + " y" * 600, "c " * 500 + "d" * 450, "e\r" * 700,
     "日本語 の 文" * 200, "<b>é</b> " * 300, "\u00a0".join(["word"] * 300)],
)  # fmt: skip
def test_what_is_known_of_words_changes_no_document(text: str) -> None:
    """The receipt of a message tells PostgreSQL what it need not look for; rebuilt without that, it is the same."""
    account = house.account()
    ada = IncomingParticipant(ObservedIdentity("simulator", "ada", handle="ada"), "from")
    for subject in ("Lamps", "ランプ"):
        messages_record(
            Place("simulator", account.scope_id, account.pk, house.LONG_AGO),
            [IncomingMessage(subject, house.ago(hours=1), (ada,), text, subject=subject)],
        )
    before = list(SearchDocument.objects.order_by("message_id").values_list("message_id", "vector", "cjk"))
    search_documents_write(key for key, _, _ in before)
    after = list(SearchDocument.objects.order_by("message_id").values_list("message_id", "vector", "cjk"))
    assert before == after
    assert len(after) == 2
