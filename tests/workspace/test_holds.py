"""What is under legal hold stays so, whatever is cut off from whom it was placed on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kith.base.clock import now
from kith.contacts.models import Contact, Identity
from kith.contacts.services import contact_for_identity, identity_link, identity_unlink
from kith.contacts.services.merges import contact_merge, contact_merge_undo
from kith.conversations.models import Message
from kith.work.models import Task
from kith.workspace.customer_deeds import forget_ask
from kith.workspace.erasure import erasure_ask
from kith.workspace.jobs import person_request_run
from kith.workspace.person_requests import person_request_again
from kith.workspace.retention.holds import hold_lift, hold_place
from kith.workspace.retention.nightly import retention_run
from tests.support.cast import Cast
from tests.workspace.test_retention import rule_on

pytestmark = pytest.mark.django_db
ADA, WORK = "ada@outside.example", "ada@work.example"


def both(cast: Cast) -> tuple[Contact, Identity]:
    """Ada wrote from two addresses, long ago; the one at work is linked to her."""
    for sender in (ADA, WORK):
        cast.mail(cast.everyone, sender=sender, at=now() - timedelta(days=800))
    contact = contact_for_identity(identity=Identity.objects.get(external_id=ADA))
    return contact, Identity.objects.get(external_id=WORK)


def erased(cast: Cast, contact: Contact) -> str:
    request = erasure_ask(contact_id=contact.pk, user=cast.olga)
    person_request_run(request_id=str(request.pk))
    request.refresh_from_db()
    return request.state


def test_an_address_that_is_unlinked_under_hold_stays_under_it(cast: Cast) -> None:
    contact, work = both(cast)
    identity_link(identity=work, contact=contact, basis="by_hand")
    hold = hold_place(user=cast.olga, reason="A law suit", contact_id=contact.pk)
    identity_unlink(identity=work, user=cast.olga)
    work.refresh_from_db()
    apart = contact_for_identity(identity=work)
    assert apart.pk != contact.pk
    assert erased(cast, apart) == "held"
    rule_on(cast)
    retention_run()
    assert Message.objects.count() == 2
    hold_lift(hold_id=hold.pk, user=cast.olga, reason="Settled")
    assert erased(cast, apart) == "done"


def test_undoing_a_merge_frees_nobody(cast: Cast) -> None:
    contact, work = both(cast)
    other = contact_for_identity(identity=work)
    merge = contact_merge(survivor=contact, loser=other, user=cast.olga)
    hold_place(user=cast.olga, reason="A law suit", contact_id=contact.pk)
    contact_merge_undo(merge=merge, user=cast.olga)
    assert erased(cast, other) == "held"


def test_what_was_unlinked_before_the_hold_is_free(cast: Cast) -> None:
    contact, work = both(cast)
    identity_link(identity=work, contact=contact, basis="by_hand")
    identity_unlink(identity=work, user=cast.olga)
    hold_place(user=cast.olga, reason="A law suit", contact_id=contact.pk)
    work.refresh_from_db()
    assert erased(cast, contact_for_identity(identity=work)) == "done"


def test_what_is_joined_to_somebody_who_waits_to_be_forgotten_does_not_go_with_them(cast: Cast) -> None:
    contact, work = both(cast)
    [request] = forget_ask(
        identity_ids=[Identity.objects.get(external_id=ADA).pk], never_again=False, proven_by="visit"
    )
    identity_link(identity=work, contact=contact, basis="by_hand")
    person_request_run(request_id=str(request.pk))
    request.refresh_from_db()
    assert request.state == "failed"
    assert Identity.objects.filter(external_id=WORK).exists()
    assert Task.objects.get().contact_id == contact.pk
    identity_unlink(identity=work, user=cast.olga)
    person_request_again(request_id=request.pk, user=cast.olga)
    person_request_run(request_id=str(request.pk))
    assert not Identity.objects.filter(external_id=ADA).exists()
    assert Identity.objects.filter(external_id=WORK).exists()
