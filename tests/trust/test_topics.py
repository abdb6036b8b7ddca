"""Topics: a key is never a word of the gate, wherever the topic is made, and each is told by the audit log."""

from __future__ import annotations

import pytest

from kith.campaigns.errors import MailingError
from kith.campaigns.services.drafts import topic_add
from kith.core.models import AuditEvent
from kith.trust.models import ContactPolicy, Topic
from kith.trust.services import TrustError, topic_save

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["All", "Marketing", "visit", "Campaign", "Information", "Help"])
def test_no_topic_takes_a_word_of_the_gate(name: str) -> None:
    """An offer about "information" would pass as a matter of service, and take no place under the caps."""
    with pytest.raises(TrustError):
        topic_save(name=name)
    with pytest.raises(MailingError, match="something else"):
        topic_add(name=name)
    assert not Topic.objects.exists()


def test_the_companys_own_words_of_service_are_no_topics() -> None:
    ContactPolicy.objects.create(text='[consent]\nservice = ["Workshop", "workshop"]')
    with pytest.raises(TrustError):
        topic_save(name="Workshop")
    assert topic_save(name="Information").key == "information"


def test_a_topic_that_a_mailing_brings_stands_last_and_in_the_audit_log() -> None:
    topic_save(name="Repairs")
    made = topic_add(name="  Spring   offers ")
    assert (made.key, made.name, made.position) == ("spring-offers", "Spring offers", 1)
    entries = AuditEvent.objects.filter(action="topic_saved", subject_id=made.pk)
    assert entries.count() == 1
    assert topic_add(name="Spring offers") == made
    assert entries.count() == 1
    with pytest.raises(MailingError):
        topic_add(name="!!!")
