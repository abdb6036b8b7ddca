"""Forms of the company's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kith.contacts.library import COLORS
from kith.contacts.models import Tag
from kith.conversations.models import Conversation
from kith.engagement.library import CONDITION_FIELDS, CONDITION_OPS
from kith.teams.models import Division, Role, Team, User
from kith.web.settings.base_forms import Form, languages


def _teams() -> Any:
    return Team.objects.order_by("name")


def _people() -> Any:
    return User.objects.filter(is_active=True).order_by("name")


def team_field(**rest: Any) -> forms.ModelChoiceField[Any]:
    return forms.ModelChoiceField(
        queryset=_teams(), required=False, **{"label": _("Team"), "empty_label": _("Nobody"), **rest}
    )


def teams_field(**rest: Any) -> forms.ModelMultipleChoiceField[Any]:
    return forms.ModelMultipleChoiceField(
        queryset=_teams(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        **{"label": _("Teams"), **rest},
    )


def person_field(**rest: Any) -> forms.ModelChoiceField[Any]:
    return forms.ModelChoiceField(
        queryset=_people(), required=False, **{"label": _("Colleague"), "empty_label": _("Nobody"), **rest}
    )


class CompanyForm(Form):
    name = forms.CharField(label=_("Name of the company"), max_length=120)
    public_url = forms.CharField(
        label=_("Public address"),
        required=False,
        max_length=200,
        help_text=_(
            "Where browsers and customers reach Kith. A setting of the server (KITH_PUBLIC_URL) wins."
        ),
    )
    outgoing_name = forms.CharField(
        label=_("Sender of answers"),
        required=False,
        max_length=120,
        help_text=_(
            "What stands behind a colleague's name in mails: \u201cAnn \u00b7 Bicycles Ltd\u201d. "
            "Empty: the name of the mailbox."
        ),
    )


class InviteForm(Form):
    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.AGENT)
    teams = teams_field()


class PersonForm(Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    teams = teams_field()


class LeaveForm(Form):
    """To whom work passes. A colleague or a team, or neither."""

    to_user = person_field(label=_("Hand open work to a colleague"))
    to_team = team_field(label=_("or to a team"))
    private_to = person_field(label=_("Private channels pass to"), empty_label=_("Nobody: they stay closed"))

    def __init__(self, *args: Any, leaving: User, **rest: Any) -> None:
        super().__init__(*args, **rest)
        for name in ("to_user", "private_to"):
            self.fields[name].queryset = _people().exclude(pk=leaving.pk)  # type: ignore[attr-defined]


class TeamForm(Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    division = forms.ModelChoiceField(
        label=_("Division"), queryset=Division.objects.order_by("name"), required=False, empty_label=_("None")
    )
    members = forms.ModelMultipleChoiceField(
        label=_("Members"), queryset=_people(), required=False, widget=forms.CheckboxSelectMultiple
    )


class NameForm(Form):
    name = forms.CharField(label=_("Name"), max_length=120)


class ReplyForm(Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    text = forms.CharField(
        label=_("Text"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_(
            "{greeting} greets the person, by name where it is certain; {formal_greeting} does so formally. "
            "{name} becomes their name or goes, {agent} becomes yours, {company} that of the company."
        ),
    )
    shortcut = forms.SlugField(
        label=_("Shortcut"),
        max_length=40,
        required=False,
        help_text=_("Type it after a slash in the box: /thanks"),
    )
    team = team_field(label=_("For the team"), empty_label=_("Everyone"))
    language = forms.ChoiceField(label=_("Language"), required=False, choices=lambda: languages(_("Any")))


class MacroForm(Form):
    """Steps, in the order in which they are done."""

    name = forms.CharField(label=_("Name"), max_length=120)
    reply = forms.CharField(
        label=_("Answer with"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5})
    )
    note = forms.CharField(
        label=_("Note to colleagues"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    tag = forms.ModelChoiceField(
        label=_("Add the tag"), required=False, queryset=Tag.objects.order_by("name"), empty_label=_("None")
    )
    assign = person_field(label=_("Give it to"), empty_label=_("No change"))
    to_team = team_field(label=_("Give it to the team"), empty_label=_("No change"))
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("No change")), *Conversation.Priority.choices],
    )
    close = forms.BooleanField(label=_("Close the conversation"), required=False)
    team = team_field(label=_("Who has this macro"), empty_label=_("Everyone"))

    def steps(self) -> list[dict[str, Any]]:
        values = self.cleaned_data
        found: list[dict[str, Any]] = []
        for key in ("reply", "note"):
            if values[key].strip():
                found.append({"do": key, "text": values[key]})
        if values["tag"]:
            found.append({"do": "tag", "tag": values["tag"].name})
        if values["to_team"]:
            found.append({"do": "team", "team": str(values["to_team"].pk)})
        if values["assign"]:
            found.append({"do": "assign", "user": str(values["assign"].pk)})
        if values["priority"] is not None:
            found.append({"do": "priority", "priority": values["priority"]})
        if values["close"]:
            found.append({"do": "close"})
        return found

    @staticmethod
    def initial_of(steps: list[dict[str, Any]]) -> dict[str, Any]:
        given = {step["do"]: step for step in steps if "do" in step}
        name = given.get("tag", {}).get("tag")
        return {
            "reply": given.get("reply", {}).get("text", ""),
            "note": given.get("note", {}).get("text", ""),
            "tag": Tag.objects.filter(name=name).first() if name else None,
            "to_team": given.get("team", {}).get("team"),
            "assign": given.get("assign", {}).get("user"),
            "priority": given.get("priority", {}).get("priority", ""),
            "close": "close" in given,
        }


CONDITIONS = 4


class RuleForm(Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    team = team_field(label=_("Give it to the team"))
    assignee = person_field(label=_("Give it to"))
    spread = forms.BooleanField(
        label=_("To the member of the team with the fewest open conversations"), required=False
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("No change")), *Conversation.Priority.choices],
    )
    tag = forms.ModelChoiceField(
        label=_("Add the tag"), required=False, queryset=Tag.objects.order_by("name"), empty_label=_("None")
    )
    enabled = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        for number in range(CONDITIONS):
            self.fields[f"field{number}"] = forms.ChoiceField(
                label=_("Condition %d") % (number + 1),
                choices=[("", "\u2013"), *CONDITION_FIELDS.items()],
                required=False,
            )
            self.fields[f"op{number}"] = forms.ChoiceField(
                label=_("Comparison"), choices=list(CONDITION_OPS.items()), required=False
            )
            self.fields[f"value{number}"] = forms.CharField(label=_("Words"), max_length=200, required=False)
            for part in ("field", "op", "value"):
                self.style(f"{part}{number}")

    def conditions(self) -> list[dict[str, str]]:
        values = self.cleaned_data
        return [
            {"field": values[f"field{n}"], "op": values[f"op{n}"] or "contains", "value": values[f"value{n}"]}
            for n in range(CONDITIONS)
            if values[f"field{n}"] and values[f"value{n}"].strip()
        ]

    @staticmethod
    def initial_of(conditions: list[dict[str, str]]) -> dict[str, str]:
        return {
            f"{part}{n}": condition.get(part, "")
            for n, condition in enumerate(conditions[:CONDITIONS])
            for part in ("field", "op", "value")
        }


class TagForm(Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    color = forms.ChoiceField(label=_("Color"), required=False, choices=[(c, c or _("none")) for c in COLORS])


class FieldForm(Form):
    label = forms.CharField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("text", _("Text")),
            ("number", _("Number")),
            ("date", _("Day")),
            ("choice", _("One of several")),
            ("yesno", _("Yes or no")),
            ("url", _("Address of a page")),
        ],
    )
    choices = forms.CharField(
        label=_("Choices, one a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=5000,
    )
