"""Conversations over the API: the rows that the screen shows, and answers that pass the gate."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kith.base.clock import now
from kith.channels.models import Delivery
from kith.contacts.models import Identity
from kith.conversations.models import Message, Participant
from kith.conversations.services.attention import presence_set
from kith.core.models import AuditEvent
from kith.networks.models import ChannelAccount
from kith.networks.selectors import offered
from kith.teams.models import Membership, User
from kith.teams.selectors import viewer_of
from kith.trust.models import Decision, Touch
from kith.trust.services import suppression_add
from kith.understanding.services import messages_annotate
from tests.api.support import Api, write_in
from tests.support import house
from tests.support.reader import ANGRY, Reader

pytestmark = pytest.mark.django_db
Make = Callable[..., Api]


class Two:
    """An inside and an outside colleague; one mailbox is everyone's, one is the team's."""

    def __init__(self, api_for: Make) -> None:
        self.ina, self.olaf = house.user("Ina"), house.user("Olaf")
        self.shared = house.mailbox()
        self.closed = house.mailbox("sales@us.example", scope=house.team_scope(house.team("Sales", self.ina)))
        self.inside, self.outside = api_for(self.ina), api_for(self.olaf)
        self.open_id = write_in(self.shared, 1)
        self.secret_id = write_in(self.closed, 2, sender="eve@elsewhere.example", text="top secret")


@pytest.fixture
def two(api_for: Make) -> Two:
    return Two(api_for)


def test_a_team_sees_its_own_and_nobody_else_finds_a_trace(two: Two) -> None:
    secret_message = two.inside("GET", f"/conversations/{two.secret_id}/messages", status=200)["items"][0]
    identity = Identity.objects.get(external_id="eve@elsewhere.example")
    for path in (
        f"/conversations/{two.secret_id}",
        f"/conversations/{two.secret_id}/messages",
        f"/messages/{secret_message['id']}",
        f"/identities/{identity.pk}",
        f"/channels/{two.closed.pk}",
    ):
        two.inside("GET", path, status=200)
        two.outside("GET", path, status=404)
    for path, body in (
        (f"/conversations/{two.secret_id}/assign", {"assignee_id": str(two.olaf.pk)}),
        (f"/conversations/{two.secret_id}/close", None),
        (f"/conversations/{two.secret_id}/reopen", None),
        (f"/conversations/{two.secret_id}/tags", {"add": ["x"]}),
        (f"/conversations/{two.secret_id}/notes", {"text": "x"}),
        (f"/conversations/{two.secret_id}/reply", {"text": "x"}),
        (f"/messages/{secret_message['id']}/unsend", None),
        (f"/identities/{identity.pk}/block", None),
    ):
        two.outside("POST", path, body, status=404)
    for path in ("/conversations", "/identities", "/channels"):
        for query in ("", "?limit=1", "?network=email") if path != "/channels" else ("",):
            said = two.outside("GET", path + query).content.decode()
            for word in ("secret", "eve@", two.secret_id, "sales@", str(identity.pk)):
                assert word not in said, (path, word)
    channel = {"channel_id": str(two.closed.pk), "identity_ids": [str(identity.pk)], "text": "x"}
    problem = two.outside("POST", "/messages", channel, status=422)
    assert problem["errors"][0]["field"] == "channel_id"


def test_an_answer_is_not_repeated_to_who_may_not_see_it_any_more(two: Two) -> None:
    key = {"Idempotency-Key": "k1"}
    path, body = f"/conversations/{two.secret_id}/notes", {"text": "between us"}
    two.inside("POST", path, body, status=201, **key)
    assert two.inside("POST", path, body, **key).headers["Idempotent-Replayed"] == "true"
    Membership.objects.filter(user=two.ina).delete()
    refused = two.inside("POST", path, body, status=409, **key)
    assert "between us" not in str(refused)
    two.inside("POST", path, body, status=404)


def test_credentials_are_never_given(two: Two) -> None:
    ChannelAccount.objects.filter(pk=two.shared.pk).update(settings={"host": "imap.secret.example"})
    account = ChannelAccount.objects.get(pk=two.shared.pk)
    account.secrets = {"password": "hunter2hunter2"}
    account.save()
    said = two.inside("GET", f"/channels/{two.shared.pk}").content.decode()
    assert "hunter2" not in said
    assert "imap.secret" not in said


def test_filters_and_pages(two: Two) -> None:
    ids = {write_in(two.shared, n, sender=f"p{n}@outside.example") for n in range(10, 17)}
    api = two.inside
    seen: list[str] = []
    after = ""
    while after is not None:
        page = api("GET", f"/conversations?limit=3&after={after}", status=200)
        seen += [c["id"] for c in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen))
    assert set(seen) == ids | {two.open_id, two.secret_id}
    one = seen[0]
    api("POST", f"/conversations/{one}/assign", {"assignee_id": str(two.ina.pk)}, status=200)
    api("POST", f"/conversations/{one}/tags", {"add": ["urgent"]}, status=200)
    assert [c["id"] for c in api("GET", "/conversations?assignee=me", status=200)["items"]] == [one]
    assert [c["id"] for c in api("GET", "/conversations?tag=urgent", status=200)["items"]] == [one]
    assert one not in [c["id"] for c in api("GET", "/conversations?assignee=none", status=200)["items"]]
    assert api("POST", f"/conversations/{one}/close", status=200)["status"] == "closed"
    assert [c["id"] for c in api("GET", "/conversations?status=closed", status=200)["items"]] == [one]
    assert api("POST", f"/conversations/{one}/reopen", status=200)["status"] == "open"
    until = (now() + timedelta(days=1)).isoformat()
    assert api("POST", f"/conversations/{one}/snooze", {"until": until}, status=200)["status"] == "snoozed"
    past = (now() - timedelta(days=1)).isoformat()
    api("POST", f"/conversations/{one}/snooze", {"until": past}, status=409)
    note = api("POST", f"/conversations/{one}/notes", {"text": "Call him"}, status=201)
    assert note["direction"] == "note"
    api("GET", "/conversations?after=nonsense", status=422)


def test_an_answer_passes_the_gate_and_waits_ten_seconds(two: Two) -> None:
    sent = two.inside(
        "POST",
        f"/conversations/{two.open_id}/reply",
        {"text": "It is."},
        status=201,
        **{"Idempotency-Key": "a"},
    )
    two.inside(
        "POST",
        f"/conversations/{two.open_id}/reply",
        {"text": "It is."},
        status=201,
        **{"Idempotency-Key": "a"},
    )
    assert (sent["state"], sent["verdict"]["outcome"]) == ("queued", "allow")
    delivery = Delivery.objects.get()
    assert delivery.decision.touch.identity is not None
    assert delivery.decision.touch.identity.external_id == "ada@outside.example"
    assert delivery.not_before > now() + timedelta(seconds=5)
    taken = two.inside("POST", f"/messages/{sent['message_id']}/unsend", status=200)
    assert taken["state"] == "cancelled"
    two.inside("POST", f"/messages/{sent['message_id']}/unsend", status=409)


def _answer(two: Two, who: Api, status: int = 201, **more: Any) -> Any:
    return who("POST", f"/conversations/{two.open_id}/reply", {"text": "It is.", **more}, status=status)


def test_who_was_faster_is_told_and_can_be_overridden(two: Two) -> None:
    first = _answer(two, two.inside)
    problem = _answer(two, two.outside, 409)
    clash = problem["clash"]
    assert (clash["kind"], clash["author"], clash["snippet"]) == ("answered", "Ina", "It is.")
    assert clash["key"] == clash["message_id"] == first["message_id"]
    assert Message.objects.filter(direction="out").count() == 1, "a refused answer leaves nothing behind"
    _answer(two, two.outside, 409, confirm="something else")
    _answer(two, two.outside, confirm=clash["key"])
    assert Message.objects.filter(direction="out").count() == 2


def test_who_has_seen_it_answers_without_a_word(two: Two) -> None:
    first = _answer(two, two.inside)
    _answer(two, two.inside)  # one's own answer is no clash
    newest = _answer(two, two.inside)
    _answer(two, two.outside, 409, seen_message_id=first["message_id"])
    _answer(two, two.outside, seen_message_id=newest["message_id"])


def test_what_the_person_outside_added_counts_for_who_says_what_it_saw(two: Two) -> None:
    page = two.inside("GET", f"/conversations/{two.open_id}/messages", status=200)
    seen = page["items"][0]["id"]
    before = two.open_id
    assert write_in(two.shared, 3, text="Forget it", subject_of=1) == before
    clash = _answer(two, two.inside, 409, seen_message_id=seen)["clash"]
    assert (clash["kind"], clash["snippet"], clash["count"]) == ("added", "Forget it", 1)
    _answer(two, two.inside, seen_message_id=seen, confirm=clash["key"])
    _answer(two, two.outside, 409)  # but a colleague's answer counts always
    _answer(two, two.inside, 422, seen_message_id=str(uuid.uuid4()))


def test_what_the_person_outside_added_does_not_stop_who_says_nothing(two: Two) -> None:
    page = two.inside("GET", f"/conversations/{two.open_id}/messages", status=200)
    write_in(two.shared, 3, text="And blue, please", subject_of=1)
    _answer(two, two.inside, message_id=page["items"][0]["id"])


def test_a_colleague_who_types_is_not_overtaken(two: Two) -> None:
    presence_set(viewer_of(two.ina), uuid.UUID(two.open_id), typing=True)
    clash = _answer(two, two.outside, 409)["clash"]
    assert (clash["key"], clash["kind"], clash["typing"]) == ("typing", "typing", ["Ina"])
    _answer(two, two.inside)
    clash = _answer(two, two.outside, 409, confirm="typing")["clash"]
    assert clash["kind"] == "answered", "who confirmed one thing has not confirmed the next"
    _answer(two, two.outside, confirm=clash["key"])


def test_a_mail_is_signed_as_its_channel_or_author_says(two: Two) -> None:
    User.objects.filter(pk=two.ina.pk).update(signature="Ina of Us")
    sent = Message.objects.get(pk=_answer(two, two.inside)["message_id"])
    assert sent.text == "It is.\n\n-- \nIna of Us"
    sent = Message.objects.get(pk=_answer(two, two.inside, text="It **is**.")["message_id"])
    assert "<strong>is</strong>" in sent.html
    assert "Ina of Us" in sent.html
    ChannelAccount.objects.filter(pk=two.shared.pk).update(signature="Us, Graz")
    sent = Message.objects.get(pk=_answer(two, two.inside)["message_id"])
    assert sent.text.endswith("-- \nUs, Graz")
    identity = Identity.objects.get(external_id="ada@outside.example")
    body = {"channel_id": str(two.shared.pk), "identity_ids": [str(identity.pk)], "text": "Ready"}
    sent = Message.objects.get(pk=two.inside("POST", "/messages", body, status=201)["message_id"])
    assert sent.text == "Ready\n\n-- \nUs, Graz"


def test_an_answer_goes_to_whom_a_mail_names_for_answers(two: Two) -> None:
    message = Message.objects.get(external_id="<1@outside.example>")
    desk = Identity.objects.create(network="email", external_id="desk@outside.example")
    Participant.objects.create(message=message, identity=desk, role="reply_to", at=message.at)
    sent = _answer(two, two.inside)
    to = Participant.objects.filter(message_id=sent["message_id"], role="to")
    assert [p.identity_id for p in to] == [desk.pk]


def test_who_asked_not_to_be_written_to_is_not(two: Two) -> None:
    suppression_add(network="email", address="ada@outside.example")
    sent = two.inside("POST", f"/conversations/{two.open_id}/reply", {"text": "Hello"}, status=201)
    assert (sent["state"], sent["verdict"]["outcome"]) == ("held", "deny")
    assert sent["verdict"]["sentence"]
    assert Delivery.objects.count() == 0
    assert Decision.objects.count() == Touch.objects.count() == 1


def test_messages_permission_is_its_own(api_for: Make, two: Two) -> None:
    reader = api_for(two.ina, permissions=("conversations:read", "conversations:write"))
    reader("POST", f"/conversations/{two.open_id}/reply", {"text": "x"}, status=403)
    reader("POST", f"/conversations/{two.open_id}/close", status=200)


def test_write_to_somebody(two: Two) -> None:
    identity = Identity.objects.get(external_id="ada@outside.example")
    body = {
        "channel_id": str(two.shared.pk),
        "identity_ids": [str(identity.pk)],
        "text": "Your bicycle is ready",
        "subject": "Ready",
    }
    sent = two.inside("POST", "/messages", body, status=201)
    assert Message.objects.get(pk=sent["message_id"]).subject == "Ready"
    assert sent["verdict"]["outcome"] in ("allow", "hold")


def test_where_everybody_reads_what_is_sent_it_must_be_meant(two: Two) -> None:
    network = next(m.name for m in offered() if "sends" in m.capabilities and not m.limits.private_messages)
    public = house.account(network, name="Ours, in public")
    person = Identity.objects.create(network=network, external_id="did:plc:somebody", handle="some.body")
    body: dict[str, Any] = {
        "channel_id": str(public.pk),
        "identity_ids": [str(person.pk)],
        "text": "Your bicycle is ready",
    }
    refused = two.inside("POST", "/messages", body, status=409)
    assert refused["detail"]
    assert not Message.objects.filter(text=body["text"]).exists()
    body["visibility"] = "public"
    sent = two.inside("POST", "/messages", body, status=201)
    assert Message.objects.get(pk=sent["message_id"]).visibility == "public"
    mailed = Identity.objects.get(external_id="ada@outside.example")
    body |= {"channel_id": str(two.shared.pk), "identity_ids": [str(mailed.pk)]}
    assert two.inside("POST", "/messages", body, status=422)["errors"][0]["field"] == "visibility"


def test_a_typed_address_is_answered_by_mail_only_when_somebody_chooses_so(two: Two) -> None:
    chat = house.account("chat", name="Chat", settings={"site": "https://shop.example"})
    conversation = _visitor_writes(chat)
    assert not Identity.objects.filter(external_id="typed@outside.example").exists()
    body: dict[str, Any] = {"text": "By mail", "by_mail_from": str(chat.pk)}
    two.inside("POST", f"/conversations/{conversation}/reply", body, status=409)
    body["by_mail_from"] = str(two.shared.pk)
    sent = two.inside("POST", f"/conversations/{conversation}/reply", body, status=201)
    assert (sent["conversation_id"], sent["verdict"]["outcome"]) == (conversation, "allow")
    typed = Identity.objects.get(external_id="typed@outside.example")
    visitor = Identity.objects.get(network="chat", kind="person")
    assert typed.contact_id is None or typed.contact_id != visitor.contact_id
    assert Delivery.objects.get().channel_account == two.shared
    two.inside("POST", f"/conversations/{two.open_id}/reply", body, status=409)


def _visitor_writes(account: ChannelAccount) -> str:
    from kith.channels import visitors
    from kith.channels.parser import Parser
    from kith.channels.receive import raw_items_parse
    from kith.conversations.models import Thread

    visitor = visitors.visitor_says(
        account=account, key="k" * 43, nonce="n" * 16, text="Hello", email="Typed@outside.example"
    )
    with Parser() as parser:
        assert raw_items_parse(account.pk, parser) == 1
    return str(Thread.objects.get(keys__key=visitors.thread_key(visitor)).conversation_id)


def test_what_was_read_is_told_narrows_the_list_and_is_corrected(two: Two) -> None:
    reader = Reader(secret={"intents": ("complaint",), **ANGRY})
    message = str(Message.objects.get(text="top secret").pk)
    assert two.inside("GET", f"/messages/{message}", status=200)["reading"] is None
    two.inside("POST", f"/messages/{message}/reading", {"sentiment": "neutral"}, status=409)
    messages_annotate([uuid.UUID(message)], annotator=reader)
    reading = two.inside("GET", f"/messages/{message}", status=200)["reading"]
    assert (reading["labels"], reading["corrected"]) == (["complaint", "negative"], [])
    found = two.inside("GET", "/conversations?label=complaint", status=200)["items"]
    assert [(row["id"], row["labels"]) for row in found] == [(str(two.secret_id), ["complaint", "negative"])]
    assert two.outside("GET", "/conversations?label=complaint", status=200)["items"] == []
    two.inside("GET", "/conversations?label=mystery", status=422)
    two.outside("POST", f"/messages/{message}/reading", {"sentiment": "neutral"}, status=404)
    two.inside("POST", f"/messages/{message}/reading", {"sentiment": "furious"}, status=422)
    told = two.inside("POST", f"/messages/{message}/reading", {"intents": [], "urgent": True}, status=200)
    assert told["reading"]["labels"] == ["urgent", "negative"]
    assert told["reading"]["corrected"] == ["intents", "urgent"]
    row = AuditEvent.objects.get(action="label_corrected")
    assert (str(row.subject_id), row.actor_id) == (message, two.ina.pk)
