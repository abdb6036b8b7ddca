"""Forms made from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kith.base.clock import now
from kith.networks.models import ChannelAccount
from kith.networks.selectors import NetworkManifest
from kith.networks.services import KEPT
from kith.networks.types import Audience, Intake
from kith.teams.models import Scope, User
from kith.web.settings.base_forms import Form
from kith.web.settings.forms import team_field, teams_field

HISTORY = ((0, _("Nothing: from now on")), (30, _("30 days")), (90, _("3 months")), (365, _("One year")),
           (1825, _("5 years")), (-1, _("Everything there is")))  # fmt: skip


class ManifestForm(Form):
    """The fields of a network's manifest. With `account`, secrets may stay empty: they are kept."""

    def __init__(
        self, *args: Any, manifest: NetworkManifest, account: ChannelAccount | None = None, **rest: Any
    ) -> None:
        super().__init__(*args, **rest)
        self.manifest = manifest
        kept = set(account.secrets or {}) if account else set()
        for item in manifest.fields:
            self.fields[item.name] = made = _field(item, kept=item.name in kept)
            # Not `required`: what is missing is said by the service, after servers were looked for.
            made.needed = item.required and item.kind != "host"  # type: ignore[attr-defined]
            self.style(item.name)

    def offer(self, details: Mapping[str, str]) -> None:
        """Let a person choose from what the network has told (its folders), where they would have to type names."""
        for item in self.manifest.fields:
            names = details.get(item.choose_from, "").splitlines() if item.choose_from else []
            if not names:
                continue
            chosen = self.initial.get(item.name, "")
            if isinstance(chosen, str):
                self.initial[item.name] = chosen.splitlines()
            self.fields[item.name] = forms.MultipleChoiceField(
                label=item.label,
                help_text=item.help,
                required=False,
                choices=[(name, name) for name in names],
                widget=_Lines,
            )
            self.style(item.name)

    def values(self) -> dict[str, str]:
        """What was given, as text, under the manifest's names."""
        found = {}
        for item in self.manifest.fields:
            value = self.cleaned_data.get(item.name, "")
            if isinstance(value, list):
                value = "\n".join(value)
            found[item.name] = ("true" if value else "false") if item.kind == "bool" else str(value)
        return found

    def plain(self) -> list[forms.BoundField]:
        return [self[item.name] for item in self.manifest.fields if not item.advanced]

    def advanced(self) -> list[forms.BoundField]:
        return [self[item.name] for item in self.manifest.fields if item.advanced]


class _Lines(forms.CheckboxSelectMultiple):
    """Boxes for names that may also come as lines of one text."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        said = data.getlist(name) if hasattr(data, "getlist") else [data.get(name, "")]
        return [line.strip() for text in said for line in str(text).splitlines() if line.strip()]


def _field(item: Any, *, kept: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": item.label,
        "help_text": item.help,
        "required": False,
        "initial": item.default,
    }
    if item.kind == "choice":
        return forms.ChoiceField(choices=[(choice, gettext(choice)) for choice in item.choices], **common)
    if item.kind == "bool":
        return forms.BooleanField(**{**common, "initial": item.default == "true"})
    if item.secret or item.kind == "password":
        attrs = {"autocomplete": "new-password", **({"placeholder": KEPT} if kept else {})}
        return forms.CharField(
            widget=forms.PasswordInput(attrs=attrs),
            strip=False,
            max_length=20_000,
            **{**common, "initial": ""},
        )
    if item.kind == "textarea":
        # Boxes send several values of one name; as lines they are what a person would have typed.
        widget_of_lines = _LinesArea if item.choose_from else forms.Textarea
        return forms.CharField(widget=widget_of_lines(attrs={"rows": 3}), max_length=20_000, **common)
    widget = {"url": forms.URLInput, "email": forms.EmailInput}.get(item.kind, forms.TextInput)
    return forms.CharField(widget=widget(), max_length=2000, **common)


class _LinesArea(forms.Textarea):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        said = data.getlist(name) if hasattr(data, "getlist") else [data.get(name, "")]
        return "\n".join(str(text) for text in said)


class AudienceForm(Form):
    """Who may see the channel and everything that comes through it."""

    audience = forms.ChoiceField(
        label=_("Who may see it"),
        choices=[
            (Scope.Kind.EVERYONE, _("Everyone who works here")),
            (Scope.Kind.TEAMS, _("Some teams")),
            (Scope.Kind.PRIVATE, _("Only me")),
        ],
        widget=forms.RadioSelect,
        initial=Scope.Kind.EVERYONE,
    )
    teams = teams_field(label=_("These teams"))

    def __init__(self, *args: Any, user: User, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.user = user
        if not user.administers:
            self.fields["audience"].choices = [(Scope.Kind.PRIVATE, _("Only me"))]  # type: ignore[attr-defined]
            self.fields["audience"].initial = Scope.Kind.PRIVATE
            del self.fields["teams"]

    def chosen(self) -> Audience:
        kind = self.cleaned_data["audience"]
        return Audience(
            kind,
            teams=tuple(self.cleaned_data.get("teams") or ()) if kind == Scope.Kind.TEAMS else (),
            owner=self.user if kind == Scope.Kind.PRIVATE else None,
        )


def _offer_folders(form: Form, details: Mapping[str, str]) -> None:
    """Let a person choose the folder from those that there are; one that is kept and gone stays to be seen."""
    if "intake_label" not in form.fields or not (names := details.get("folders", "").splitlines()):
        return
    kept = str(form.initial.get("intake_label", ""))
    found = [*names, *([kept] if kept and kept not in names else [])]
    form.fields["intake_label"].widget = forms.Select(choices=[("", "\u2014"), *((n, n) for n in found)])
    form.style("intake_label")


class IntakeForm(Form):
    """What comes in and how far back; whom it goes to."""

    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("What colleagues call it.")
    )
    history = forms.TypedChoiceField(
        label=_("How far back"),
        coerce=int,
        choices=HISTORY,
        initial=90,
        help_text=_("History arrives closed: it alerts nobody, answers nobody and starts no clock."),
    )
    team = team_field(label=_("New conversations go to the team"))
    intake = forms.ChoiceField(
        label=_("What comes in"), choices=ChannelAccount.Intake.choices, initial=ChannelAccount.Intake.ALL
    )
    intake_label = forms.CharField(label=_("Which label or folder"), max_length=200, required=False)

    def __init__(self, *args: Any, manifest: NetworkManifest, **rest: Any) -> None:
        super().__init__(*args, **rest)
        if manifest.medium != "mail":
            del self.fields["intake"], self.fields["intake_label"]
        if not {"polls", "streams"} & manifest.capabilities:
            del self.fields["history"]

    def offer(self, details: Mapping[str, str]) -> None:
        _offer_folders(self, details)

    def chosen(self) -> Intake:
        values = self.cleaned_data
        return Intake(
            values.get("intake") or "all", values.get("intake_label") or "", since(values.get("history", 0))
        )


def since(days: int) -> datetime | None:
    """The first moment of history: None for all there is."""
    return None if days < 0 else now() - timedelta(days=days)


class ChannelForm(Form):
    """What can be changed of a connected channel without connecting again."""

    name = forms.CharField(label=_("Name"), max_length=120)
    team = team_field(label=_("New conversations go to the team"))
    signature = forms.CharField(
        label=_("Signature"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Instead of the colleague's own."),
    )
    intake = forms.ChoiceField(
        label=_("What comes in"),
        choices=ChannelAccount.Intake.choices,
        help_text=_("From now on; what is here stays."),
    )
    intake_label = forms.CharField(label=_("Which label or folder"), max_length=200, required=False)
    aliases = forms.CharField(
        label=_("Other addresses of this channel, one a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=4000,
    )
    acknowledge = forms.BooleanField(
        label=_("Answer first messages at once with the text below"),
        required=False,
        help_text=_("At most once a day to one person, and never to automatic mail."),
    )
    acknowledgement = forms.CharField(
        label=_("Acknowledgement"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, manifest: NetworkManifest | None, **rest: Any) -> None:
        super().__init__(*args, **rest)
        if manifest is None or manifest.medium != "mail":
            del self.fields["aliases"], self.fields["intake"], self.fields["intake_label"]
        if manifest is None or not manifest.limits.automatic_reply:
            del self.fields["acknowledge"], self.fields["acknowledgement"]

    def offer(self, details: Mapping[str, str]) -> None:
        _offer_folders(self, details)
