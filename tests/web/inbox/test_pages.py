"""Addresses of the inbox: whole page or part, and nothing of what the viewer's scopes don't hold."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from kith.contacts.models import Identity
from kith.conversations.models import Conversation, Message
from kith.web.foreign import clean_html, remote_images
from tests.support.cast import Cast, client_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def test_a_conversation_answers_with_the_page_and_with_the_fragment(cast: Cast) -> None:
    key = cast.mail(cast.everyone, text="The bell is loud.").conversation_id
    client, address = client_of(cast.olga), reverse("conversation", args=[key])
    whole, part = client.get(address).content.decode(), client.get(address, headers=HTMX).content.decode()
    assert "<html" in whole
    assert "The bell is loud." in whole
    assert whole.count('id="person"') == whole.count('id="conversation"') == 1
    assert "<html" not in part
    assert "The bell is loud." in part
    assert '<hx-partial hx-target="#person"' in part


def test_an_outsider_of_the_scope_finds_it_at_no_address(cast: Cast) -> None:
    recorded = cast.mail(cast.private, text="Only for Carl", subject="Secret")
    client, key = client_of(cast.ines), recorded.conversation_id
    for name in ("conversation", "conversation_head", "messages"):
        assert client.get(reverse(name, args=[key])).status_code == 404
    for name in ("message_frame", "message_html", "message_text"):
        assert client.get(reverse(name, args=[recorded.message_id])).status_code == 404
    for name in ("draft", "reply", "presence"):
        assert client.post(reverse(name, args=[key]), {"text": "x", "via": "note"}).status_code == 404
    assert "Secret" not in client.get(reverse("inbox")).content.decode()
    client.post(reverse("status", args=[key]), {"status": "closed"})
    assert Conversation.objects.get(pk=key).status == "open"


def test_a_viewer_reads_and_changes_nothing(cast: Cast) -> None:
    key = cast.mail(cast.everyone).conversation_id
    client = client_of(cast.pia)
    page = client.get(reverse("conversation", args=[key])).content.decode()
    assert 'id="composer"' not in page
    assert client.post(reverse("reply", args=[key]), {"text": "Hi", "via": "note"}).status_code == 403
    assert not Message.objects.filter(direction="note").exists()


def test_a_bulk_action_is_undone_as_a_whole(cast: Cast) -> None:
    keys = [cast.mail(cast.everyone, sender=f"p{n}@x.example").conversation_id for n in range(3)]
    client = client_of(cast.olga)
    answer = client.post(
        reverse("inbox_bulk"), {"id": [str(k) for k in keys], "do": "close"}
    ).content.decode()
    assert set(Conversation.objects.filter(pk__in=keys).values_list("status", flat=True)) == {"closed"}
    undo = answer.split('hx-post="')[1].split('"')[0]
    client.post(undo)
    assert set(Conversation.objects.filter(pk__in=keys).values_list("status", flat=True)) == {"open"}


def test_names_and_subjects_of_strangers_are_text(cast: Cast) -> None:
    evil = "<img src=x onerror=alert(1)>"
    key = cast.mail(cast.everyone, name=evil, subject=evil, text=evil).conversation_id
    client = client_of(cast.olga)
    for address in (reverse("inbox"), reverse("conversation", args=[key]), reverse("people") + "?q=img"):
        assert "<img src=x" not in client.get(address).content.decode()


def test_foreign_html_is_cleaned_and_framed_by_a_policy_that_runs_nothing(cast: Cast) -> None:
    html = '<p onclick="x()">Hi</p><script>alert(1)</script><img src="https://spy.example/p.gif"><a href="javascript:x()">a</a>'
    message = cast.mail(cast.everyone, html=html).message_id
    client = client_of(cast.olga)
    answer = client.get(reverse("message_html", args=[message]))
    shown = answer.content.decode()
    assert "<p>Hi</p>" in shown
    assert not any(word in shown for word in ("onclick", "alert(1)", "javascript:", "spy.example"))
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with_images = client.get(reverse("message_html", args=[message]), {"images": "1"}).content.decode()
    assert "spy.example" not in with_images  # it comes through our proxy, by a signed address
    assert "/images/" in with_images


def test_remote_images_are_counted_and_styles_that_load_are_dropped() -> None:
    html = '<img src="https://a.example/1.png"><img src="cid:1"><p style="background:url(https://a.example)">x</p>'
    assert remote_images(html) == 1
    assert "a.example" not in clean_html(html)


def test_a_person_is_made_of_a_stranger_and_found_in_the_list(cast: Cast) -> None:
    cast.mail(cast.everyone, sender="ada@outside.example", name="Ada Lovelace")
    identity = Identity.objects.get(external_id="ada@outside.example")
    client = client_of(cast.olga)
    answer = client.post(reverse("person_from_identity", args=[identity.pk]))
    page = client.get(answer.headers["HX-Redirect"]).content.decode()
    assert "Ada Lovelace" in page
    assert "The bell" in page
    assert "Ada Lovelace" in client.get(reverse("people"), {"q": "lovel"}).content.decode()


def test_unknown_lists_people_and_faces_are_not_there(cast: Cast) -> None:
    client = client_of(cast.olga)
    for address in (
        "/inbox/nonsense/",
        f"/inbox/team-{uuid.uuid4()}/",
        f"/people/{uuid.uuid4()}/",
        "/faces/abc/",
    ):
        assert client.get(address).status_code == 404
