"""Today: who waits for me, what is due, what nobody has taken, what comes; of others' work, nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.contacts.services import contact_for_identity
from kith.conversations.services.actions import conversations_assign
from kith.work.models import Promise, Task
from tests.support.cast import Cast, client_of

pytestmark = pytest.mark.django_db


def test_it_says_in_one_line_what_is_to_do_and_shows_it(cast: Cast) -> None:
    mine = cast.mail(cast.everyone, subject="The bell", at=now() - timedelta(hours=2))
    cast.mail(cast.everyone, sender="bea@x.example", name="Bea", subject="Whose is this?", at=now())
    conversations_assign(cast.viewer(cast.carl), [mine.conversation_id], assignee_id=cast.carl.pk)
    ada = contact_for_identity(identity=Identity.objects.get(external_id="ada@outside.example"))
    day = timedelta(days=1)
    Task.objects.create(title="Ring her", contact=ada, assignee=cast.carl, due_at=now() - 2 * day)
    Task.objects.create(title="Not mine", contact=ada, assignee=cast.ines, due_at=now() - 2 * day)
    Promise.objects.create(what="A free bell", contact=ada, who=cast.carl, due_at=now() + 3 * day)
    page = client_of(cast.carl).get("/today/").content.decode()
    assert "Hello Carl." in page
    assert "1 person waits for your answer." in page
    assert "1 thing is due." in page
    assert "1 is overdue." in page
    due, coming = page.index("Due today, and before"), page.index("Coming up")
    assert due < page.index("Ring her") < coming < page.index("A free bell")
    assert page.index("Nobody has taken these yet") < page.index("Whose is this?")
    assert "Not mine" not in page
    quiet = client_of(cast.pia).get("/today/").content.decode()
    assert "Nobody waits for you, and nothing is due." in quiet
