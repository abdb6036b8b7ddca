"""How long what is kept: rules that are looked at before they are switched on, what networks demand, and legal holds."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from kith.contacts.models import Contact
from kith.contacts.names import person_name
from kith.conversations.models import Conversation, ConversationScope
from kith.networks.models import ChannelAccount
from kith.networks.selectors import manifest_of
from kith.web.access import SignedIn, administrators
from kith.web.settings.base_forms import Form
from kith.web.settings.page import blame, done, show
from kith.workspace.models import LegalHold, RetentionRule, RetentionRun
from kith.workspace.retention import holds, rules
from kith.workspace.retention.choosing import Taking, demanded, preview

SECTION = "settings:retention"
LAST_RUNS = 20
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_KINDS = (
    ("contact", gettext_lazy("a person")),
    ("conversation", gettext_lazy("a conversation")),
    ("channel", gettext_lazy("a channel")),
)


def _channels() -> list[ChannelAccount]:
    return list(ChannelAccount.objects.order_by("name", "pk"))


def _network(name: str) -> str:
    manifest = manifest_of(name)
    return manifest.title if manifest else name


class RuleForm(Form):
    """What of which channel goes, and when."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    where = forms.ChoiceField(label=gettext_lazy("Where"))
    purpose = forms.ChoiceField(label=gettext_lazy("What"), choices=RetentionRule.Purpose.choices)
    days = forms.IntegerField(
        label=gettext_lazy("Keep for so many days"), min_value=rules.SHORTEST, max_value=rules.LONGEST
    )
    since = forms.ChoiceField(label=gettext_lazy("Counted"), choices=RetentionRule.Since.choices)
    action = forms.ChoiceField(label=gettext_lazy("Then"), choices=RetentionRule.Action.choices)

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        accounts = _channels()
        networks = sorted({account.network for account in accounts}, key=_network)
        self.fields["where"].choices = [  # type: ignore[attr-defined]
            ("", _("Everywhere")),
            *[
                (f"network:{name}", _("All of %(network)s") % {"network": _network(name)})
                for name in networks
            ],
            *[(f"account:{account.pk}", account.name) for account in accounts],
        ]
        self.fields["where"].required = False
        self.fields["where"].needed = True  # type: ignore[attr-defined]  # "" is a choice: everywhere

    def values(self) -> dict[str, Any]:
        kind, _colon, which = self.cleaned_data["where"].partition(":")
        return {
            **{key: self.cleaned_data[key] for key in ("name", "purpose", "days", "since", "action")},
            "network": which if kind == "network" else "",
            "channel_account": ChannelAccount.objects.get(pk=which) if kind == "account" else None,
        }


class HoldForm(Form):
    """On what, and why."""

    channel = forms.ModelChoiceField(
        label=gettext_lazy("Channel"), queryset=ChannelAccount.objects.none(), required=False, empty_label="–"
    )
    address = forms.CharField(
        label=gettext_lazy("Or a person or conversation"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("The address of their page, copied from the browser."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        help_text=gettext_lazy("Such as the number of a case. Administrators see it."),
    )

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        channel = self.fields["channel"]
        channel.queryset = ChannelAccount.objects.order_by("name", "pk")  # type: ignore[attr-defined]
        channel.label_from_instance = lambda account: account.name  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if bool(values.get("channel")) == bool(values.get("address")):
            raise forms.ValidationError(_("Choose a channel, or give the address of one page."))
        return values

    def target(self, request: SignedIn) -> dict[str, uuid.UUID]:
        """What is meant, as `hold_place` takes it. Raises HoldError when nothing is there."""
        if channel := self.cleaned_data["channel"]:
            return {"channel_account_id": channel.pk}
        for found in _ID.findall(self.cleaned_data["address"]):
            key = uuid.UUID(found)
            if Contact.objects.filter(pk=key, deleted_at=None).exists():
                return {"contact_id": key}
            if Conversation.objects.filter(pk=key, threads__scope_id__in=request.viewer.scope_ids).exists():
                return {"conversation_id": key}
        raise holds.HoldError(_("There is no such person or conversation."), field="address")


def rule_sentence(row: RetentionRule | Taking) -> str:
    """What a rule does, in a sentence."""
    days = ngettext("after %(num)d day", "after %(num)d days", row.days) % {"num": row.days}
    return ", ".join(
        [
            str(RetentionRule.Action(row.action).label),
            f"{days} {RetentionRule.Since(row.since).label}" if row.since != "received" else days,
        ]
    )


def _where(row: RetentionRule) -> str:
    if row.channel_account:
        return row.channel_account.name
    return _network(row.network) if row.network else _("Everywhere")


@administrators
def retention(request: SignedIn) -> HttpResponse:
    """All rules, what networks demand, what is under hold, and what went."""
    found = RetentionRule.objects.select_related("channel_account").order_by("name", "pk")
    placed = LegalHold.objects.select_related(
        "contact__canonical", "channel_account", "placed_by", "lifted_by"
    )
    return show(
        request,
        "settings/retention.html",
        section=SECTION,
        rules=[(row, _where(row), rule_sentence(row)) for row in found],
        demanded=demanded(),
        holds=[(row, *_held(request, row)) for row in placed.filter(lifted_at=None).order_by("-pk")],
        lifted=[
            (row, *_held(request, row)) for row in placed.exclude(lifted_at=None).order_by("-pk")[:LAST_RUNS]
        ],
        runs=RetentionRun.objects.order_by("-pk")[:LAST_RUNS],
    )


def _held(request: SignedIn, row: LegalHold) -> tuple[Any, str]:
    """(kind, name) of what is under hold; a conversation that the administrator may not open has no subject here."""
    kinds = dict(_KINDS)
    if row.contact:
        who = row.contact.canonical
        return kinds["contact"], person_name(
            preferred=who.preferred_name, family=who.family_name, name=who.name
        ) or str(who.pk)
    if row.channel_account:
        return kinds["channel"], row.channel_account.name
    shown = (
        ConversationScope.objects.filter(
            conversation__isnull=False, conversation=row.conversation, scope_id__in=request.viewer.scope_ids
        )
        .order_by("-last_at")
        .first()
    )
    return kinds["conversation"], (shown.subject or shown.snippet) if shown else str(row.conversation_id)


@never_cache
@administrators
def rule(request: SignedIn, pk: uuid.UUID | None = None) -> HttpResponse:
    """Make or change a rule; below it, what it would take now."""
    row = (
        get_object_or_404(RetentionRule.objects.select_related("channel_account", "enabled_by"), pk=pk)
        if pk
        else None
    )
    form = RuleForm(request.POST or None, initial=_initial(row))
    if request.method == "POST" and form.is_valid():
        try:
            saved = rules.rule_save(user=request.user, rule=row, **form.values())
        except rules.RetentionError as error:
            blame(form, error)
        else:
            done(
                request,
                _("Saved.") if saved.enabled_at else _("Saved. Look at what would go, then switch it on."),
            )
            return redirect("settings:retention_rule", saved.pk)
    return _rule_page(request, row, form, status=422 if request.method == "POST" else 200)


def _initial(row: RetentionRule | None) -> dict[str, Any]:
    if row is None:
        return {"since": RetentionRule.Since.ACTIVITY, "days": 1095}
    where = f"account:{row.channel_account_id}" if row.channel_account_id else ""
    where = f"network:{row.network}" if row.network else where
    return {
        "where": where,
        **{key: getattr(row, key) for key in ("name", "purpose", "days", "since", "action")},
    }


def _rule_page(
    request: SignedIn, row: RetentionRule | None, form: RuleForm, *, status: int = 200, error: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"row": row, "form": form, "error": error}
    if row is not None:
        shown = preview(Taking.of(row), request.viewer.scope_ids)
        context |= {
            "shown": shown,
            "seen": rules.seen_token(row, shown),
            "sentence": rule_sentence(row),
            "where": _where(row),
            "most": max((share.number for share in shown.ages), default=1),
            "runs": row.runs.order_by("-pk")[:LAST_RUNS],
        }
    return show(request, "settings/retention_rule.html", section=SECTION, status=status, **context)


@require_POST
@administrators
def rule_do(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Switch on (with `seen`, which the preview carries), off, or delete: by the value of `do`."""
    row = get_object_or_404(RetentionRule.objects.select_related("channel_account"), pk=pk)
    match request.POST.get("do", ""):
        case "on":
            try:
                rules.rule_enable(rule_id=pk, user=request.user, seen=request.POST.get("seen", ""))
            except rules.RetentionError as error:
                return _rule_page(request, row, RuleForm(initial=_initial(row)), status=422, error=str(error))
            done(request, _("It is on, and goes to work tonight."))
        case "off":
            rules.rule_disable(rule_id=pk)
            done(request, _("It is off. Nothing goes by it."))
        case "delete":
            rules.rule_delete(rule_id=pk)
            done(request, _("Deleted."))
            return redirect(SECTION)
        case _other:
            raise Http404
    return redirect("settings:retention_rule", pk)


@administrators
def hold_new(request: SignedIn) -> HttpResponse:
    """Put a person, a conversation or a channel under hold; `address` fills in the page that one comes from."""
    form = HoldForm(request.POST or None, initial={"address": request.GET.get("address", "")[:500]})
    if request.method == "POST" and form.is_valid():
        try:
            holds.hold_place(user=request.user, reason=form.cleaned_data["reason"], **form.target(request))
        except holds.HoldError as error:
            blame(form, error)
        else:
            done(request, _("It is under legal hold. Nothing of it goes."))
            return redirect(SECTION)
    status = 422 if request.method == "POST" else 200
    return show(request, "settings/hold_new.html", section=SECTION, status=status, form=form)


@require_POST
@administrators
def hold_end(request: SignedIn, pk: uuid.UUID) -> HttpResponse:
    """Lift a hold; POST `reason`."""
    try:
        holds.hold_lift(hold_id=pk, user=request.user, reason=request.POST.get("reason", ""))
    except holds.HoldError as error:
        done(request, error)
    else:
        done(request, _("The hold is lifted. Erasures that waited for it go on."))
    return redirect(SECTION)
