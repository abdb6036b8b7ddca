"""Builds the demo company from its stories: written ones, and ordinary days filled in from phrases."""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.db import transaction

from kith.base.clock import now
from kith.contacts.models import Contact, Fact, Identity, IdentityLink
from kith.contacts.services import (
    affiliation_record,
    contact_create,
    contact_project,
    identities_observe,
    identity_link,
    organization_get_or_create,
)
from kith.contacts.types import ObservedIdentity
from kith.conversations.models import Conversation, Message, MessageCopy, Participant
from kith.conversations.services import conversations_refresh, messages_record
from kith.conversations.types import IncomingAttachment, IncomingMessage, IncomingParticipant, Place
from kith.core import blobs, company, sql
from kith.core.models import EventDelivery
from kith.work.models import Note, Promise, Task
from kith.workspace.demo import house, pace
from kith.workspace.demo.arrange import arrange
from kith.workspace.demo.drawings import face, picture
from kith.workspace.demo.everyday import everyday
from kith.workspace.demo.listening import listening
from kith.workspace.demo.mailings import mailings
from kith.workspace.demo.tending import tend
from kith.workspace.demo.understood import understood

STORIES = Path(__file__).parent / "stories"
Say = Callable[[str], None]


def is_built() -> bool:
    return company.value("demo") is True


def build(say: Say = print) -> None:
    """Make the demo company, once. Takes about ten seconds."""
    if company.is_set_up():
        return
    with transaction.atomic():
        say("Velo Hof: colleagues, teams and channels")
        place = house.build()
        people: dict[str, dict[str, Any]] = {}
        lines: list[dict[str, Any]] = []
        arranged: list[dict[str, Any]] = []
        filled: dict[str, dict[str, Any]] = {}
        for path in sorted(STORIES.glob("*.toml")):
            story = tomllib.loads(path.read_text(encoding="utf-8"))
            if "talk" in story:
                filled, more = everyday(story, Random(7))  # noqa: S311  (the same demo every time)
                people |= filled
                lines += more
                continue
            people |= story.get("person", {})
            lines += story.get("message", [])
            arranged += story.get("arrange", [])
        builder = _Builder(place, people)
        say(f"{len(people)} people")
        builder.people()
        say(f"{len(lines)} messages over two years")
        builder.messages(lines)
        sql.run("ANALYZE")  # so much at once would be read as if nothing were there
        say("faces, drawn here")
        builder.faces()
        builder.work()
        pace.agreed(
            builder.contacts, [k for k in filled if k in builder.contacts], builder.topics, builder.today
        )
        tend(place, {key: row for key, row in builder.contacts.items() if key in filled})
        builder.settle()
        arrange(place, builder.contacts, arranged)
        builder.known_since()
        mailings(place, builder.contacts)
        say("what people say, read")
        understood()
        say("what is said in public")
        listening(place, builder.today)
        EventDelivery.objects.all().delete()  # what happened before the demo began is nobody's news
        company.set_value("demo", True)


class _Builder:
    def __init__(self, place: house.House, people: Mapping[str, Mapping[str, Any]]) -> None:
        self.house, self.cast = place, people
        self.today = now()
        self.identities: dict[tuple[str, str], ObservedIdentity] = {}
        self.contacts: dict[str, Contact] = {}
        self.topics = pace.topics_make(place)

    def people(self) -> None:
        for key, person in self.cast.items():
            for channel, text in person.get("identities", {}).items():
                external_id, _, handle = text.partition(" ")
                self.identities[key, channel] = ObservedIdentity(
                    self.house.network_of(channel),
                    external_id,
                    handle=handle or external_id,
                    display_name=person["name"],
                )
        known = identities_observe(self.identities.values())
        rows = {i.pk: i for i in Identity.objects.filter(pk__in=[k.id for k in known.values()])}
        for key, person in self.cast.items():
            if "given_name" not in person:
                continue
            self.contacts[key] = self._contact(person)
            for channel in person.get("identities", {}):
                if channel not in person.get("unlinked", ()):
                    identity = rows[known[self.identities[key, channel].key].id]
                    identity_link(
                        identity=identity, contact=self.contacts[key], basis=IdentityLink.Basis.OWN_KEY
                    )
        contact_project([c.pk for c in self.contacts.values()])

    def _contact(self, person: Mapping[str, Any]) -> Contact:
        names = (
            "name",
            "given_name",
            "family_name",
            "preferred_name",
            "city",
            "country",
            "language",
            "time_zone",
        )
        source = Fact.Source.FORM if person.get("form_name") else Fact.Source.TOLD_US
        contact = contact_create(source=source, **{n: person[n] for n in names if n in person})
        Fact.objects.bulk_create(
            Fact(
                contact=contact,
                attribute=f["attribute"],
                value=f["value"],
                source=f["source"],
                quote=f.get("quote", ""),
                about=f.get("about", "self"),
                observed_at=self.today - timedelta(days=f["days"]),
            )
            for f in person.get("facts", ())
        )
        if "organization" in person:
            affiliation_record(
                contact_id=contact.pk,
                organization=organization_get_or_create(name=person["organization"]),
                role=person.get("role", ""),
            )
        return contact

    def _when(self, line: Mapping[str, Any]) -> datetime:
        if "minutes" in line:
            return self.today - timedelta(minutes=line["minutes"])
        day = (self.today - timedelta(days=line["days"])).date()
        at = datetime.combine(day, time.fromisoformat(line["at"]), tzinfo=self.today.tzinfo)
        return min(at, self.today - timedelta(minutes=3))

    def messages(self, lines: list[dict[str, Any]]) -> None:
        by_channel: dict[str, list[tuple[dict[str, Any], IncomingMessage]]] = {}
        for number, line in enumerate(sorted(lines, key=self._when)):
            by_channel.setdefault(line["channel"], []).append((line, self._message(number, line)))
        for channel, items in by_channel.items():
            account = self.house.accounts[channel]
            place = Place(account.network, account.scope_id, account.pk, team_id=account.team_id)
            for start in range(0, len(items), 200):
                batch = items[start : start + 200]
                recorded = messages_record(place, [m for _, m in batch])
                for (line, _), row in zip(batch, recorded, strict=True):
                    if "by" in line:
                        Message.objects.filter(pk=row.message_id).update(author=self.house.users[line["by"]])

    def _message(self, number: int, line: Mapping[str, Any]) -> IncomingMessage:
        account = self.house.accounts[line["channel"]]
        us = ObservedIdentity(account.network, account.external_id, handle=account.address, kind="us",
                              display_name=account.display_name)  # fmt: skip
        key = line.get("from") or line.get("to")
        them = self.identities.get((key, self.house.identity_of(line["channel"]))) if key else None
        outgoing = "by" in line
        sides = [(us, "from"), (them, "to")] if outgoing else [(them, "from"), (us, "to")]
        subject = line.get("subject", "")
        bare = subject.removeprefix("Re: ").casefold()
        public = bool(line.get("public"))
        return IncomingMessage(
            external_id=f"demo-{number}",
            at=self._when(line),
            participants=tuple(IncomingParticipant(i, role, "network") for i, role in sides if i is not None),
            text=line["text"],
            subject=subject,
            subject_key=bare or (f"demo {key}" if public else ""),
            outgoing=outgoing,
            from_own_store=outgoing,
            visibility="public" if public else "private",
            own_key=f"demo:{line['channel']}:{key or bare}:{line.get('thread', bare)}",
            language=line.get("language") or (self.cast[key].get("language") if key else "") or "en",
            automatic=line.get("automatic", ""),
            attachments=tuple(self._picture(name) for name in line.get("pictures", ())),
        )

    @staticmethod
    def _picture(name: str) -> IncomingAttachment:
        data, says = picture(name)
        digest, size = blobs.put(data)
        return IncomingAttachment(f"{name}.png", "image/png", size, digest, alt_text=says)

    def faces(self) -> None:
        """Two of three people have a picture, and all colleagues."""
        for number, (key, contact) in enumerate(self.contacts.items()):
            if not key.startswith("p") or key == "paul" or number % 3:
                contact.avatar = blobs.put(face(key, beard=self.cast[key].get("beard", False)))[0]
        Contact.objects.bulk_update(self.contacts.values(), ["avatar"])
        for key, user in self.house.users.items():
            user.avatar = blobs.put(face(f"colleague {key}", beard=key == "anton"))[0]
            user.save(update_fields=["avatar"])

    def work(self) -> None:
        users, day = self.house.users, timedelta(days=1)
        for key, person in self.cast.items():
            contact = self.contacts.get(key)
            if contact is None:
                continue
            for task in person.get("tasks", ()):
                done = self.today - day * task["done"] if "done" in task else None
                made = Task.objects.create(
                    title=task["title"],
                    contact=contact,
                    assignee=users[task["who"]],
                    due_at=self._evening(task["due"]),
                    done_at=done,
                    done_by=users[task["who"]] if done else None,
                )
                Task.objects.filter(pk=made.pk).update(created_at=self.today - day * task["days"])
            for promise in person.get("promises", ()):
                given = Promise.objects.create(
                    contact=contact,
                    who=users[promise["by"]],
                    what=promise["what"],
                    quote=promise["quote"],
                    due_at=self._evening(promise["due"]) if "due" in promise else None,
                    kept_at=self.today - day * (promise["days"] - 1) if promise.get("kept") else None,
                )
                Promise.objects.filter(pk=given.pk).update(created_at=self.today - day * promise["days"])
            for note in person.get("notes", ()):
                Note.objects.create(
                    contact=contact, kind=note["kind"], text=note["text"], author=users[note["by"]],
                    happened_at=self.today - day * note["days"],
                )  # fmt: skip
            if "mailed" in person:
                pace.mailed(self.house, contact, int(person["mailed"]), self.topics, self.today)

    def _evening(self, days: float) -> datetime:
        """Five in the afternoon of a day from now on (below 0: before)."""
        day = (self.today + timedelta(days=days)).date()
        return datetime.combine(day, time(17), tzinfo=self.today.tzinfo)

    def known_since(self) -> None:
        """We know people, and that an address is theirs, since they first wrote."""
        first: dict[uuid.UUID, datetime] = {}
        for identity_id, at in Participant.objects.values_list("identity_id", "at"):
            first[identity_id] = min(at, first.get(identity_id, at))
        links = list(IdentityLink.objects.filter(identity_id__in=first))
        since: dict[uuid.UUID, datetime] = {}
        for link in links:
            link.linked_at = first[link.identity_id]
            since[link.contact_id] = min(link.linked_at, since.get(link.contact_id, link.linked_at))
        IdentityLink.objects.bulk_update(links, ["linked_at"])
        contacts = [c for c in self.contacts.values() if c.pk in since]
        for contact in contacts:
            contact.created_at = since[contact.pk]
        Contact.objects.bulk_update(contacts, ["created_at"])
        facts = list(
            Fact.objects.filter(contact__in=contacts, observed_at__gt=self.today - timedelta(hours=1))
        )
        for fact in facts:
            fact.observed_at = since[fact.contact_id]
        Fact.objects.bulk_update(facts, ["observed_at"])

    def settle(self) -> None:
        """Old talk is closed, what was answered by a person is theirs, and the newest waits."""
        fresh = self.today - timedelta(days=13)
        for conversation_id, last, direction, author in _latest():
            status = (
                Conversation.Status.OPEN if last > fresh and direction == "in" else Conversation.Status.CLOSED
            )
            Conversation.objects.filter(pk=conversation_id).update(
                status=status,
                assignee=author,
                closed_at=last if status == Conversation.Status.CLOSED else None,
                first_response_at=last if author else None,
            )
        conversations_refresh(Conversation.objects.values_list("pk", flat=True))


def _latest() -> list[tuple[uuid.UUID, datetime, str, uuid.UUID | None]]:
    """For each conversation: its last message's time and direction, and who of us wrote last."""
    rows: dict[uuid.UUID, tuple[datetime, str, uuid.UUID | None]] = {}
    for conversation_id, at, direction, author in MessageCopy.objects.order_by("at").values_list(
        "thread__conversation_id", "at", "message__direction", "message__author_id"
    ):
        before = rows.get(conversation_id)
        rows[conversation_id] = (at, direction, author or (before[2] if before else None))
    return [(key, *value) for key, value in rows.items()]
