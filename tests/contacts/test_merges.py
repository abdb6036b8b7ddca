"""A merge is an alias with a date: undone, everything is as if it had not been, and what was done since stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kith.contacts.models import Contact, ContactTag, Fact, Identity, IdentityLink, Merge, Tag
from kith.contacts.services import (
    contact_create,
    contact_delete,
    contact_merge,
    contact_merge_undo,
    contact_set,
    contacts_tag,
    contacts_untag,
    fact_correct,
    fact_record,
    fact_retract,
    identities_observe,
    identity_link,
    identity_unlink,
)
from kith.contacts.services.contacts import ContactError
from kith.contacts.types import ObservedIdentity

pytestmark = pytest.mark.django_db
PEOPLE, IDENTITIES, TAGS = 4, 4, 2
ATTRIBUTES = ("given_name", "city", "preferred_name", "custom.shoe")
COLUMNS = (
    "name",
    "given_name",
    "city",
    "preferred_name",
    "custom",
    "name_confidence",
    "search_text",
    "sort_key",
)

person = st.integers(0, PEOPLE - 1)
steps = st.one_of(
    st.tuples(st.just("merge"), person, person),
    st.tuples(st.just("undo"), st.integers(0, 5)),
    st.tuples(
        st.just("fact"), person, st.sampled_from(ATTRIBUTES), st.sampled_from(["Bo", "Al", "Cy"]),
        st.sampled_from(["told_us", "form", "colleague"]),
    ),
    st.tuples(st.just("wrong"), person, st.integers(0, 7)),
    st.tuples(st.just("correct"), person, st.integers(0, 7)),
    st.tuples(st.just("set"), person, st.sampled_from(ATTRIBUTES), st.sampled_from(["", "Di"])),
    st.tuples(st.just("tag"), person, st.integers(0, TAGS - 1)),
    st.tuples(st.just("untag"), person, st.integers(0, TAGS - 1)),
    st.tuples(st.just("link"), person, st.integers(0, IDENTITIES - 1)),
    st.tuples(st.just("unlink"), person, st.integers(0, IDENTITIES - 1)),
)  # fmt: skip


@dataclass
class World:
    """Contacts, identities and tags of one run, by their number."""

    name: str
    contacts: list[Contact] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    facts: dict[int, Fact] = field(default_factory=dict)  # by the number of the step that wrote them
    merges: dict[int, Merge] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contacts = [contact_create(name=f"Person {n}") for n in range(PEOPLE)]
        keys = [ObservedIdentity("email", f"{self.name}{n}@x.example") for n in range(IDENTITIES)]
        known = identities_observe(keys)
        self.identities = [Identity.objects.get(pk=known[k.key].id) for k in keys]
        for number in range(2):
            self.link(number, number)
        self.tags = [Tag.objects.create(name=f"{self.name}{n}") for n in range(TAGS)]

    def root(self, number: int) -> int:
        pk = Contact.objects.values_list("canonical_id", flat=True).get(pk=self.contacts[number].pk)
        return [c.pk for c in self.contacts].index(pk)

    def link(self, number: int, identity: int) -> None:
        identity_link(
            identity=Identity.objects.get(pk=self.identities[identity].pk),
            contact=Contact.objects.get(pk=self.contacts[number].pk),
            basis="by_hand",
        )

    def belongs(self, pk: Any, number: int) -> bool:
        """Whether a contact is read as this person just now."""
        found = Contact.objects.values_list("canonical_id", flat=True).get(pk=pk)
        return found == self.contacts[number].pk

    def do(self, at: int, step: tuple[Any, ...], *, surely: bool = False) -> bool:
        """One step on the person of a number, who is nobody's alias; returns whether it could be done.

        `surely`: it was done in the other world, to this person. What belongs to somebody else in this one stays as it is;
        what was said anew is said all the same.
        """
        kind, number, *rest = step
        contact = Contact.objects.get(pk=self.contacts[number].pk)
        if kind == "fact":
            attribute, value, source = rest
            self.facts[at] = fact_record(
                contact_id=contact.pk, attribute=attribute, value=f"{value}{at}", source=source
            )
        elif kind in ("wrong", "correct"):
            written = sorted(n for n in self.facts if n < at)
            if not written:
                return False
            fact = Fact.objects.get(pk=self.facts[written[rest[0] % len(written)]].pk)
            mine = self.belongs(fact.contact_id, number) and fact.retracted_at is None
            if not mine and not surely:
                return False
            if kind == "wrong" and mine:
                fact_retract(fact=fact)
            elif kind == "correct" and mine:
                self.facts[at] = fact_correct(fact=fact, value=f"right{at}", source="told_us")
            elif kind == "correct":
                self.facts[at] = fact_record(
                    contact_id=contact.pk, attribute=fact.attribute, value=f"right{at}", source="told_us"
                )
        elif kind == "set":
            contact_set(contact_id=contact.pk, attribute=rest[0], value=rest[1] and f"{rest[1]}{at}")
        elif kind == "tag":
            contacts_tag(contact_ids=[contact.pk], tag=self.tags[rest[0]])
        elif kind == "untag":
            contacts_untag(contact_ids=[contact.pk], tag=self.tags[rest[0]])
        elif kind == "link":
            self.link(number, rest[0])
        elif kind == "unlink":
            identity = Identity.objects.get(pk=self.identities[rest[0]].pk)
            if identity.contact_id is None or not self.belongs(identity.contact_id, number):
                return False
            identity_unlink(identity=identity)
        return True

    def merge(self, at: int, keep: int, lose: int) -> bool:
        try:
            self.merges[at] = contact_merge(survivor=self.contacts[keep], loser=self.contacts[lose])
        except ContactError:
            return False
        return True

    def look(self) -> list[Any]:
        """Everything that can be read about each person, without ids and times."""
        found = []
        for number, contact in enumerate(self.contacts):
            row = Contact.objects.get(pk=contact.pk)
            mine = Contact.objects.filter(canonical_id=contact.pk)
            tags = ContactTag.objects.filter(contact__in=mine).values_list("tag_id", flat=True)
            facts = Fact.objects.filter(contact__in=mine).exclude(attribute="name")
            found.append(
                {
                    "root": self.root(number),
                    **{c: str(getattr(row, c)).replace(self.name, "") for c in COLUMNS},
                    "own tags": sorted(
                        self.tags.index(x.tag) for x in ContactTag.objects.filter(contact=row).select_related("tag")
                    ),
                    "tags": sorted({[t.pk for t in self.tags].index(t) for t in tags}),
                    "facts": sorted(
                        (f.attribute, f.value, f.source, f.retracted_at is not None) for f in facts
                    ),
                    "identities": sorted(
                        i for i, x in enumerate(self.identities)
                        if Identity.objects.filter(pk=x.pk, contact__in=mine).exists()
                    ),
                    "links": IdentityLink.objects.filter(contact__in=mine, unlinked_at=None).count(),
                }
            )  # fmt: skip
        return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=st.lists(steps, min_size=4, max_size=24), back=st.sets(st.integers(0, 5)))
def test_undone_merges_leave_the_same_history_without_them(
    history: list[tuple[Any, ...]], back: set[int]
) -> None:
    """Two worlds: one lives the history, merges and undos and all; in the other the undone merges never were, and every
    step is done to whom it was done in the first. At the end they are equal, to the last column."""
    with transaction.atomic():
        one = World("one")
        done: list[tuple[int, tuple[Any, ...]]] = []
        undone: set[int] = set()

        def undo(number: int) -> None:
            open_merges = [m for m in sorted(one.merges) if m not in undone]
            if open_merges:
                at = open_merges[number % len(open_merges)]
                contact_merge_undo(merge=one.merges[at])
                undone.add(at)

        for at, step in enumerate(history):
            if step[0] == "undo":
                undo(step[1])
            elif step[0] == "merge":
                keep, lose = one.root(step[1]), one.root(step[2])
                if one.merge(at, keep, lose):
                    done.append((at, ("merge", keep, lose)))
            else:
                resolved = (step[0], one.root(step[1]), *step[2:])
                if one.do(at, resolved):
                    done.append((at, resolved))
        for number in sorted(back):
            undo(number)
        seen = one.look()

        two = World("two")
        for at, step in done:
            if step[0] != "merge":
                two.do(at, step, surely=True)
            elif at not in undone:
                assert two.merge(at, step[1], step[2])
        assert seen == two.look()
        transaction.set_rollback(True)


def test_what_was_called_wrong_while_they_were_one_comes_back_to_whom_it_belonged() -> None:
    ada, bob = contact_create(name="Ada"), contact_create(name="Bob", city="Leeds")
    tag = Tag.objects.create(name="vip")
    contacts_tag(contact_ids=[bob.pk], tag=tag)
    merge = contact_merge(survivor=ada, loser=bob)
    ada.refresh_from_db()
    assert ada.city == "Leeds"
    fact_retract(fact=Fact.objects.get(attribute="city"))
    contacts_untag(contact_ids=[ada.pk], tag=tag)
    contacts_tag(contact_ids=[bob.pk], tag=Tag.objects.create(name="since"))
    ada.refresh_from_db()
    assert ada.city == ""
    assert not ContactTag.objects.filter(tag=tag).exists()
    contact_merge_undo(merge=merge)
    ada.refresh_from_db()
    bob.refresh_from_db()
    assert (ada.city, bob.city, bob.name) == ("", "Leeds", "Bob")
    assert ContactTag.objects.get(tag=tag).contact == bob
    assert ContactTag.objects.get(tag__name="since").contact == ada


def test_whoever_was_hidden_while_merged_hides_the_survivor_alone() -> None:
    ada, bob = contact_create(name="Ada"), contact_create(name="Bob")
    merge = contact_merge(survivor=ada, loser=bob)
    contact_delete(contact=ada)
    contact_merge_undo(merge=merge)
    assert Contact.objects.get(pk=bob.pk).deleted_at is None
    assert Contact.objects.get(pk=ada.pk).deleted_at is not None


def test_nobody_is_merged_with_themselves_or_undone_twice() -> None:
    ada, bob = contact_create(name="Ada"), contact_create(name="Bob")
    merge = contact_merge(survivor=ada, loser=bob)
    with pytest.raises(ContactError):
        contact_merge(survivor=bob, loser=ada)
    contact_merge_undo(merge=merge)
    with pytest.raises(ContactError):
        contact_merge_undo(merge=merge)


def test_the_same_name_is_never_a_reason_to_merge(tmp_path: Any) -> None:
    from kith.workspace.imports import import_run

    contact_create(name="Ada Lovelace", city="London")
    (tmp_path / "people.csv").write_text(
        "Name,Email,City\nAda Lovelace,ada@one.example,London\nAda Lovelace,ada@two.example,London\n"
    )
    import_run("csv", tmp_path / "people.csv")
    assert Contact.objects.filter(name="Ada Lovelace").count() == 3
    assert not Merge.objects.exists()
