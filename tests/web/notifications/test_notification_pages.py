"""The list of notifications: one's own, as long as one sees what they tell of; read, opened, counted."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from django.urls import reverse

from kith.teams.models import Notification, User
from kith.teams.notifications import notify
from tests.support.cast import Cast, client_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def tell(
    cast: Cast, user: User, title: str, *, kind: str = "mention", path: str = "/today/", **more: object
) -> Notification:
    notify([user.pk], kind=kind, title=lambda: title, path=path, subject_id=uuid.uuid4(), **more)  # type: ignore[arg-type]
    return Notification.objects.get(title=title, user=user)


def test_one_sees_ones_own_and_only_what_one_still_may_see(cast: Cast) -> None:
    tell(cast, cast.carl, "For Carl")
    tell(cast, cast.carl, "Of sales", scope_id=cast.sales_scope.pk)
    tell(cast, cast.ines, "For Ines")
    text = client_of(cast.carl).get(reverse("notifications")).content.decode()
    assert "For Carl" in text
    assert "Of sales" in text
    assert "For Ines" not in text
    assert 'data-unread="2"' in text
    cast.sales_scope.teams.clear()
    text = client_of(cast.carl).get(reverse("notifications")).content.decode()
    assert "Of sales" not in text
    assert 'data-unread="1"' in text


def test_opening_one_marks_it_and_leads_there(cast: Cast) -> None:
    mine, other = tell(cast, cast.carl, "Mine", path="/people/"), tell(cast, cast.ines, "Hers")
    client = client_of(cast.carl)
    answer = client.get(reverse("notification", args=[mine.pk]))
    assert answer.headers["location"] == "/people/"
    assert Notification.objects.get(pk=mine.pk).read_at is not None
    assert client.get(reverse("notification", args=[other.pk])).status_code == 404
    assert client.post(reverse("notification_read", args=[other.pk]), {"read": "1"}).status_code == 404
    away = tell(cast, cast.carl, "Away", path="//evil.example/")
    assert client.get(reverse("notification", args=[away.pk])).headers["location"] == reverse("notifications")


def test_read_unread_and_all(cast: Cast) -> None:
    rows = [tell(cast, cast.carl, f"No. {n}") for n in range(3)]
    other = tell(cast, cast.ines, "Hers")
    client = client_of(cast.carl)
    answer = client.post(reverse("notification_read", args=[rows[0].pk]), {"read": "1"}).content.decode()
    assert 'data-unread="2"' in answer
    assert "No. 0" not in client.get(reverse("notifications"), {"unread": "1"}).content.decode()
    client.post(reverse("notification_read", args=[rows[0].pk]), {"read": ""})
    assert "No. 0" in client.get(reverse("notifications"), {"unread": "1"}).content.decode()
    assert 'data-unread="0"' in client.post(reverse("notifications_read")).content.decode()
    assert not Notification.objects.filter(user=cast.carl, read_at=None).exists()
    assert Notification.objects.get(pk=other.pk).read_at is None


def test_pages_show_each_once(cast: Cast) -> None:
    for n in range(90):
        tell(cast, cast.carl, f"No. {n}")
    client, seen = client_of(cast.carl), []
    answer = client.get(reverse("notifications")).content.decode()
    for _ in range(5):
        seen += re.findall(r"No\. (\d+)<span", answer)
        more = re.search(r'hx-get="(/notifications/\?cursor=[^"]*)"', answer)
        if more is None:
            break
        answer = client.get(html.unescape(more[1]), headers=HTMX).content.decode()
    assert seen == [str(n) for n in reversed(range(90))]


def test_titles_of_strangers_are_text_and_an_empty_list_teaches(cast: Cast) -> None:
    client = client_of(cast.carl)
    assert "Nothing has called you yet" in client.get(reverse("notifications")).content.decode()
    assert (
        "Nothing has called you yet"
        in client.get(reverse("notifications"), {"part": "panel"}, headers=HTMX).content.decode()
    )
    tell(cast, cast.carl, "<img src=x onerror=alert(1)>", body="<script>alert(1)</script>")
    for query in ({}, {"part": "panel"}, {"part": "list"}):
        text = client.get(reverse("notifications"), query, headers=HTMX).content.decode()
        assert "<img src=x" not in text
        assert "<script>alert" not in text
