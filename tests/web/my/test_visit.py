"""The visit: opened by a mailed code, covers what was proven in it, shows nothing internal, and can't be forced."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from kith.base.clock import frozen, now
from kith.contacts.models import Contact, Fact, Identity
from kith.contacts.services import contact_for_identity, fact_record, identity_link
from kith.conversations.models import Message, Participant
from kith.conversations.services import actions
from kith.core import company
from kith.networks.models import ChannelAccount
from kith.teams.selectors import viewer_of
from kith.trust.models import Consent, Decision, Suppression, Touch, VisitCode
from kith.trust.services import topic_save
from kith.work.models import Task
from kith.work.services import note_write, promise_make, task_create
from kith.workspace.models import LegalHold, OwnExport, PersonRequest
from kith.workspace.retention.holds import hold_lift, hold_place
from tests.support.cast import Cast
from tests.web.my.post import BASE, Post, jobs_run, post_open

pytestmark = pytest.mark.django_db
ADA, BOB = "ada@outside.example", "bob@outside.example"


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> Post:
    cache.clear()
    found = post_open(monkeypatch, address="desk@us.example")[0]
    ChannelAccount.objects.filter(name__in=["info", "sales", "carl"]).update(state="active")
    return found


def jobs_drop() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def code_for(post: Post, address: str, client: Client | None = None) -> Client:
    """A browser that asked for a code and has it in `post`."""
    client = client or Client()
    jobs_drop()
    answer = client.post("/my/", {"email": address})
    assert answer.status_code == 302, answer.content
    jobs_run()
    return client


def visit(post: Post, address: str = ADA, client: Client | None = None) -> Client:
    client = code_for(post, address, client)
    answer = client.post("/my/code/", {"code": post.code})
    assert answer.headers["Location"] == "/my/visit/"
    return client


def text_of(client: Client, path: str = "/my/visit/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def ada(cast: Cast, post: Post) -> Contact:
    """Ada wrote twice, was answered, and colleagues keep all kinds of things about her."""
    first = cast.mail(cast.sales_scope, subject="My bell is cracked", text="It fell down")
    identity = Identity.objects.get(external_id=ADA)
    contact = contact_for_identity(identity=identity)
    carl = cast.viewer(cast.carl)
    Contact.objects.filter(pk=contact.pk).update(owner=cast.carl)
    actions.note_add(carl, first.conversation_id, text="SECRET-NOTE difficult one")
    note_write(carl, contact_id=contact.pk, text="SECRET-PERSON-NOTE")
    task_create(carl, contact_id=contact.pk, title="SECRET-TASK")
    promise_make(
        carl, contact_id=contact.pk, what="A new bell", due_at=now() + timedelta(days=3), quote="x",
        message_id=first.message_id, scope_id=cast.sales_scope.pk,
    )  # fmt: skip
    fact_record(
        contact_id=contact.pk, attribute="city", value="Leeds", source="message", identity=identity,
        quote="I live in Leeds", message_id=first.message_id,
    )  # fmt: skip
    fact_record(
        contact_id=contact.pk,
        attribute="custom.mood",
        value="grumpy",
        source="colleague",
        quote="SECRET-QUOTE",
    )
    note = Message.objects.get(direction="note")
    fact_record(
        contact_id=contact.pk,
        attribute="custom.x",
        value="SECRET-FACT",
        source="inferred",
        message_id=note.pk,
    )
    answer = Message.objects.create(
        network="email", external_id="<a1>", content_hash="", direction="out", state="sent", at=now(),
        received_at=now(), author=cast.carl, subject="Re: My bell", text="We make you a new one",
    )  # fmt: skip
    Participant.objects.create(message=answer, identity=identity, role="to", at=now())
    cast.mail(cast.everyone, sender=BOB, name="Bob", text="BOBS-WORDS", subject="Bob's own matter")
    touch = Touch.objects.create(
        identity=identity, kind="campaign", channel="email", purpose="news", title="SECRET-DRAFT", state="held",
        planned_for=now(),
    )  # fmt: skip
    Decision.objects.create(
        touch=touch, outcome="hold", rule="paused", sentence="You asked for a pause.", values={}
    )
    contact.refresh_from_db()
    return contact


def test_the_page_gives_first_the_person_the_case_and_the_promise(ada: Contact, post: Post) -> None:
    text = text_of(visit(post))
    places = [text.index(words) for words in ("Carl", "My bell is cracked", "A new bell", "Leeds", "Pause")]
    assert places == sorted(places)
    assert "sales@us.example" in text
    assert "I live in Leeds" in text
    assert "grumpy" in text
    assert "You asked for a pause." in text


def test_nothing_internal_and_nobody_else_is_on_it_nor_in_the_zip(
    ada: Contact, post: Post, cast: Cast
) -> None:
    client = visit(post)
    assert client.post("/my/visit/data/").status_code == 302
    jobs_run()
    assert "It is ready" in text_of(client, "/my/visit/data/")
    answer = client.get("/my/visit/data.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    whole = text_of(client) + "".join(archive.read(name).decode() for name in archive.namelist())
    for secret in ("SECRET", "BOBS-WORDS", "Bob", "carl@us.example", "viewer", "Olga", "Ines"):
        assert secret not in whole, secret
    messages = json.loads(archive.read("messages.json"))
    assert [(m["from"], m["text"]) for m in messages] == [
        ("you", "It fell down"),
        ("us", "We make you a new one"),
    ]
    page = archive.read("index.html").decode()
    for words in ("It fell down", "We make you a new one", "Leeds", "You asked for a pause."):
        assert words in page
    touches = json.loads(archive.read("contacts_by_us.json"))
    assert touches[0]["reason"] == "You asked for a pause."


def test_a_visit_covers_what_was_proven_in_it_and_another_code_adds_an_address(
    ada: Contact, post: Post, cast: Cast
) -> None:
    client = visit(post)
    assert BOB not in text_of(client)
    bob = Identity.objects.get(external_id=BOB)
    answer = client.post("/my/visit/wishes/", {"identity": bob.pk, "do": "unsubscribe"})
    assert answer.status_code == 404
    assert not Consent.objects.exists()
    visit(post, BOB, client)
    text = text_of(client)
    assert BOB in text
    assert ADA in text
    client.post("/my/visit/wishes/", {"identity": bob.pk, "do": "unsubscribe"})
    assert Consent.objects.get().identity == bob


def test_facts_by_an_address_that_is_not_proven_stay_away(ada: Contact, post: Post, cast: Cast) -> None:
    other = Identity.objects.create(network="email", external_id="else@outside.example")
    identity_link(identity=other, contact=ada, basis="by_hand")
    fact_record(contact_id=ada.pk, attribute="custom.y", value="ELSES", source="message", identity=other)
    cast.mail(cast.everyone, sender="else@outside.example", text="ELSES-MAIL", subject="ELSES-MATTER")
    assert "ELSES" not in text_of(visit(post))


def test_the_visit_ends_after_half_an_hour_and_by_leaving(ada: Contact, post: Post) -> None:
    client = visit(post)
    with frozen(now() + timedelta(minutes=31)):
        assert client.get("/my/visit/").headers["Location"] == "/my/"
    text_of(client)
    cookie = client.cookies["kith_my"].value
    client.post("/my/visit/leave/")
    stolen = Client()
    stolen.cookies["kith_my"] = cookie
    assert stolen.get("/my/visit/").status_code == 302


def test_the_cookie_is_strict_and_seen_by_no_script_and_no_session_is_made(ada: Contact, post: Post) -> None:
    client = visit(post)
    cookie = client.cookies["kith_my"]
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Strict", True, "/my/")
    assert "sessionid" not in client.cookies
    assert client.get("/").status_code == 302
    answer = client.get("/my/visit/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "script" not in answer.headers["Content-Security-Policy"]


def test_a_code_holds_five_tries_ten_minutes_and_one_use(ada: Contact, post: Post) -> None:
    client = code_for(post, ADA)
    right = post.code
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    for _ in range(5):
        assert client.post("/my/code/", {"code": wrong}).status_code == 422
    assert client.post("/my/code/", {"code": right}).status_code == 422
    client = code_for(post, ADA)
    with frozen(now() + timedelta(minutes=11)):
        assert client.post("/my/code/", {"code": post.code}).status_code == 422
    client = code_for(post, ADA)
    key = client.cookies["kith_my_code"].value
    assert client.post("/my/code/", {"code": f" {post.code[:4]} {post.code[4:]} "}).status_code == 302
    again = Client()
    again.cookies["kith_my_code"] = key
    assert again.post("/my/code/", {"code": post.code}).status_code == 422


def test_a_code_works_in_the_browser_that_asked_and_a_newer_one_ends_it(ada: Contact, post: Post) -> None:
    first = code_for(post, ADA)
    code = post.code
    other = code_for(post, BOB)
    assert other.post("/my/code/", {"code": code}).status_code == 422
    code_for(post, ADA)
    assert first.post("/my/code/", {"code": code}).status_code == 422
    assert code not in str(list(VisitCode.objects.values_list()))


def test_an_unknown_address_gets_the_same_answer_and_nothing_else(ada: Contact, post: Post) -> None:
    suppressed = "never@outside.example"
    Identity.objects.create(network="email", external_id=suppressed)
    from kith.trust.services import suppression_add

    suppression_add(network="email", address=suppressed)
    answers = set()
    for address in (ADA, "nobody@outside.example", suppressed):
        client = Client()
        asked = client.post("/my/", {"email": address})
        shown = re.sub(r'value="[^"]*"', "", client.get("/my/code/").content.decode())
        tried = re.sub(r'value="[^"]*"', "", client.post("/my/code/", {"code": "12345678"}).content.decode())
        answers.add((asked.status_code, asked.headers["Location"], shown, tried))
    assert len(answers) == 1
    jobs_run()
    assert [out.to[0].external_id for out in post.sent] == [ADA]


def test_codes_are_few_for_an_address_and_for_who_asks(ada: Contact, post: Post) -> None:
    codes = [Client(REMOTE_ADDR=f"192.0.2.{n}").post("/my/", {"email": ADA}).status_code for n in range(5)]
    assert codes == [302, 302, 302, 429, 429]
    site = [
        Client(REMOTE_ADDR=f"2001:db8::{n:x}").post("/my/", {"email": f"x{n}@outside.example"}).status_code
        for n in range(12)
    ]
    assert site.count(429) == 2


def test_a_code_passes_the_gate_and_waits_for_nobody(ada: Contact, post: Post) -> None:
    visit(post)
    touch = Touch.objects.get(kind="transactional")
    assert (touch.purpose, touch.state, touch.decisions.get().outcome) == ("visit", "made", "allow")
    Identity.objects.filter(external_id=BOB).update(bounced_at=now())
    code_for(post, BOB)
    held = Touch.objects.get(kind="transactional", identity__external_id=BOB)
    assert (held.state, held.decisions.get().rule) == ("cancelled", "bounced")


def test_forms_of_the_visit_ask_for_their_token(ada: Contact, post: Post) -> None:
    client = visit(post)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["kith_my"] = client.cookies["kith_my"].value
    for path in ("wishes", "name", "forget", "data", "leave"):
        assert strict.post(f"/my/visit/{path}/", {"name": "Mallory", "word": "forget me"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post("/my/", {"email": ADA}).status_code == 403
    assert Client(enforce_csrf_checks=True).post("/my/code/", {"code": "1"}).status_code == 403
    assert not PersonRequest.objects.exists()


def test_correcting_the_name_is_a_fact_they_told_us(ada: Contact, post: Post) -> None:
    client = visit(post)
    assert "We call you Countess" in client.post("/my/visit/name/", {"name": " Countess "}).content.decode()
    ada.refresh_from_db()
    assert (ada.preferred_name, ada.name_confidence) == ("Countess", 1.0)
    assert Fact.objects.get(attribute="preferred_name").source == "told_us"
    assert client.post("/my/visit/name/", {"name": " "}).status_code == 422


def test_forget_me_asks_once_more_and_shows_how_far_it_is(ada: Contact, post: Post) -> None:
    client = visit(post)
    assert client.post("/my/visit/forget/", {"word": "yes"}).status_code == 422
    assert not PersonRequest.objects.exists()
    jobs_drop()
    answer = client.post("/my/visit/forget/", {"word": "Forget me", "never": "yes"})
    row = PersonRequest.objects.get()
    assert answer.headers["Location"] == f"/my/forgotten/{row.pk}/"
    assert "We are at it" in text_of(client, answer.headers["Location"])
    assert client.get("/my/visit/").status_code == 302
    jobs_run()
    assert "It is done" in text_of(client, answer.headers["Location"])
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert Identity.objects.filter(external_id=BOB).exists()


def test_what_was_not_proven_is_not_erased_and_a_colleague_is_told(ada: Contact, post: Post) -> None:
    other = Identity.objects.create(network="email", external_id="else@outside.example")
    identity_link(identity=other, contact=ada, basis="by_hand")
    client = visit(post)
    jobs_drop()
    client.post("/my/visit/forget/", {"word": "forget me"})
    jobs_run()
    assert not Identity.objects.filter(external_id=ADA).exists()
    other.refresh_from_db()
    assert other.contact_id == ada.pk
    assert Contact.objects.get(pk=ada.pk).deleted_at is None
    task = Task.objects.get(title__startswith="Somebody asks to be forgotten")
    assert (task.contact_id, task.assignee_id) == (ada.pk, ada.owner_id)


def test_who_is_under_hold_is_not_erased_by_one_of_their_addresses(ada: Contact, post: Post) -> None:
    other = Identity.objects.create(network="email", external_id="else@outside.example")
    identity_link(identity=other, contact=ada, basis="by_hand")
    hold_place(user=ada.owner, reason="A lawsuit", contact_id=ada.pk)
    jobs_drop()
    visit(post).post("/my/visit/forget/", {"word": "forget me"})
    jobs_run()
    assert Identity.objects.filter(external_id=ADA).exists()
    assert PersonRequest.objects.get().state == "held"
    for row in LegalHold.objects.filter(lifted_at=None):
        hold_lift(hold_id=row.pk, user=ada.owner, reason="Over")
    jobs_run()
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert Identity.objects.filter(external_id="else@outside.example").exists()


def test_the_zip_is_of_its_visit_alone_and_goes(ada: Contact, post: Post) -> None:
    client = visit(post)
    client.post("/my/visit/data/")
    jobs_run()
    stranger = visit(post, BOB)
    assert stranger.get("/my/visit/data.zip").status_code == 404
    from kith.workspace.customer_deeds import own_exports_sweep

    with frozen(now() + timedelta(hours=3)):
        assert own_exports_sweep() == 1
    assert client.get("/my/visit/data.zip").status_code == 404
    assert not OwnExport.objects.exists()


def test_receipts_are_shown_to_their_own_visit_and_have_the_sections_of_the_standard(
    ada: Contact, post: Post
) -> None:
    topic_save(name="News")
    client = visit(post)
    identity = Identity.objects.get(external_id=ADA)
    client.post("/my/visit/wishes/", {"identity": identity.pk, "do": "save", "topic": "news", "often": ""})
    row = Consent.objects.get(purpose="news")
    assert f"/my/visit/receipts/{row.pk}/" in text_of(client)
    assert "until I say otherwise: News" in text_of(client, f"/my/visit/receipts/{row.pk}/")
    receipt = json.loads(client.get(f"/my/visit/receipts/{row.pk}.json").content)
    assert list(receipt) == ["receipt_metadata", "record_header", "pii_processing", "parties", "events"]
    assert receipt["events"][0]["event_state"] == "given"
    assert receipt["parties"][0]["party_name"] == company.name()
    assert receipt["pii_processing"]["purposes"][0]["withdrawal_method"] == f"{BASE}/my/"
    assert ADA not in json.dumps(receipt)
    stranger = visit(post, BOB)
    for path in (f"/my/visit/receipts/{row.pk}/", f"/my/visit/receipts/{row.pk}.json"):
        assert stranger.get(path).status_code == 404


def test_staff_see_nothing_of_a_visit_and_visitors_nothing_of_staff(
    ada: Contact, post: Post, cast: Cast
) -> None:
    client = visit(post)
    assert client.get(f"/people/{ada.pk}/").status_code == 302
    assert not viewer_of(cast.pia).may_write
    assert not Message.objects.filter(text__contains="is your code").exists()


@pytest.mark.parametrize(("language", "words"), [("de", "Deine"), ("es", "Tu")])
def test_it_speaks_the_language_of_the_browser(ada: Contact, post: Post, language: str, words: str) -> None:
    client = Client(headers={"accept-language": language})
    answer: Any = client.get("/my/")
    assert f'<html lang="{language}">' in answer.content.decode()
    assert "Your page" not in answer.content.decode()


def test_what_others_typed_is_text_on_the_page_and_in_the_zip(ada: Contact, post: Post, cast: Cast) -> None:
    bad = "<img src=x onerror=alert(1)>"
    fact_record(contact_id=ada.pk, attribute="nick", value=bad, source="told_us", quote=bad)
    cast.mail(cast.everyone, subject=bad, text=bad)
    client = visit(post)
    client.post("/my/visit/name/", {"name": bad})
    client.post("/my/visit/data/")
    jobs_run()
    answer = client.get("/my/visit/data.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    for text in (text_of(client), archive.read("index.html").decode()):
        assert "<img" not in text
        assert "&lt;img" in text


def test_an_erasure_under_legal_hold_says_so() -> None:
    row = PersonRequest.objects.create(kind=PersonRequest.Kind.ERASURE, contact_id=uuid.uuid4(), state="held")
    text = text_of(Client(), f"/my/forgotten/{row.pk}/")
    assert "obliges us to keep some of it for now" in text
    assert "We are at it" not in text
