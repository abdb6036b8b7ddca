"""Topics that people may choose on their own page and in the form for subscribing."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kith.core import company
from kith.teams.models import Division
from kith.trust.models import Topic
from kith.trust.services import TrustError, topic_archive, topic_save
from kith.web.access import SignedIn, managers
from kith.web.settings.base_forms import Form
from kith.web.settings.page import blame, done, show

SECTION = "settings:topics"


class TopicForm(Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    about = forms.CharField(
        label=gettext_lazy("What people get, in a sentence that they read"), max_length=300, required=False
    )
    key = forms.SlugField(
        label=gettext_lazy("Key"),
        max_length=60,
        required=False,
        help_text=gettext_lazy(
            "Programs and consents know the topic by it, for good. Empty: it is made of the name."
        ),
    )
    division = forms.ModelChoiceField(
        label=gettext_lazy("Division"), queryset=Division.objects.order_by("name"), required=False
    )


@managers
def topics(request: SignedIn) -> HttpResponse:
    """Those that are offered, and those that no longer are."""
    base = company.public_url()
    return show(
        request,
        "settings/topics.html",
        section=SECTION,
        topics=Topic.objects.select_related("division").order_by("archived_at", "position", "name"),
        page=f"{base}/subscribe/" if base else "",
        snippet=f'<iframe src="{base}/subscribe/" title="{_("Subscribe")}" width="100%" height="520"></iframe>',
    )


@managers
def topic(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change one; its key stays."""
    row = get_object_or_404(Topic, pk=pk) if pk else None
    initial = {"name": row.name, "about": row.about, "division": row.division} if row else {}
    form = TopicForm(request.POST or None, initial=initial)
    if row is not None:
        del form.fields["key"]
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            topic_save(
                name=values["name"],
                about=values["about"],
                key=values.get("key", ""),
                division=values["division"],
                topic=row,
            )
        except TrustError as error:
            blame(form, error)
        else:
            done(request, _("Saved."))
            return redirect("settings:topics")
    return show(
        request,
        "settings/topic.html",
        section=SECTION,
        status=422 if request.method == "POST" else 200,
        form=form,
        row=row,
    )


@require_POST
@managers
def topic_shelve(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Offer it to nobody any more, or again."""
    row = get_object_or_404(Topic, pk=pk)
    topic_archive(topic_id=row.pk, archived=row.archived_at is None)
    return redirect("settings:topics")
