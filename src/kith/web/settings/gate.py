"""The contact policy: what the gate goes by, in plain words and as its file, with the versions before."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from kith.core.fields import as_uuid
from kith.teams.errors import TeamsError
from kith.trust.gather import company_rules
from kith.trust.selectors import contact_policies, contact_policy_text, gate_rules
from kith.trust.services import contact_policy_set
from kith.trust.types import POLICY_LIMIT, Cap, Pace, Rules
from kith.web.access import SignedIn, managers, signed_in
from kith.web.mailings.words import RULES
from kith.web.settings.page import blame, done, show


class PolicyForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("The policy as a file (TOML)"),
        help_text=gettext_lazy("What you leave out stays as Kith ships it. Empty brings all of that back."),
        max_length=POLICY_LIMIT,
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 26, "spellcheck": "false", "class": "textarea w-full font-mono text-small"}
        ),
    )


@managers
def gate(request: SignedIn) -> HttpResponse:
    """GET shows (`?version=` an earlier one, to be saved again), POST changes: administrators alone."""
    versions = contact_policies()
    wanted = as_uuid(request.GET.get("version", ""))
    shown = next((v.text for v in versions if v.pk == wanted), contact_policy_text())
    form = PolicyForm(request.POST or None, initial={"text": shown})
    if request.method == "POST" and form.is_valid():
        try:
            contact_policy_set(text=form.cleaned_data["text"], user=request.user)
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("The contact policy is changed. It counts from the next message on."))
            return redirect("settings:gate")
    return show(
        request,
        "settings/gate.html",
        section="settings:gate",
        status=422 if request.method == "POST" else 200,
        form=form,
        words=in_words(company_rules()),
        versions=versions,
        version=wanted,
    )


@signed_in
def rules(request: SignedIn) -> HttpResponse:
    """What each rule says, in their order, and who may send what it holds: for whoever reads its name beside a message."""
    by = {
        "author": _("its author may send it anyway"),
        "manager": _("a manager may send it anyway"),
        "nobody": "",
    }
    return show(
        request,
        "settings/gate_rules.html",
        section="settings:gate",
        rules=[(rule, RULES[rule.name], by[rule.approval]) for rule in gate_rules()],
    )


def in_words(rules: Rules) -> list[tuple[str, list[str]]]:
    """(title, sentences): what the policy says, for who does not read files."""
    offers = [_pace(rules.pace), _gap(rules.pace)]
    offers += [f"{name}: {_pace(pace)} {_gap(pace)}" for name, pace in rules.segments]
    days = f"{rules.answer_days:g}"
    offers.append(_("Who wrote within the last %(days)s days may be answered at any pace.") % {"days": days})
    night = {"from": _hour(rules.quiet_from), "until": _hour(rules.quiet_until), "zone": rules.time_zone}
    channels = ", ".join(sorted(rules.consent_channels))
    similar = ", ".join(sorted(rules.similar_channels))
    consent = [_("Offers need consent here: %(channels)s.") % {"channels": channels}]
    if similar:
        consent.append(
            _("Customers may have offers of similar products here until they object: %(channels)s.")
            % {"channels": similar}
        )
    consent += [_("%(purpose)s rests on: %(basis)s.") % {"purpose": p, "basis": b} for p, b in rules.basis]
    sure = _("A name is used in a greeting from a confidence of %(least)s on.") % {
        "least": f"{rules.name_confidence:g}"
    }
    return [
        (_("How often"), offers),
        (
            _("When not"),
            [
                _("From %(from)s to %(until)s where they live; %(zone)s where that is not known.") % night,
                _("Answers go at any hour, but nothing rings at night unless it is urgent."),
            ],
        ),
        (_("Consent"), consent),
        (_("Names"), [sure]),
    ]


def _pace(pace: Pace) -> str:
    return _("Offers of all divisions together: %(caps)s.") % {
        "caps": ", ".join(_cap(cap) for cap in sorted(pace.caps, key=lambda cap: cap.days))
    }


def _cap(cap: Cap) -> str:
    words = {
        "week": ngettext("%(number)s a week", "%(number)s a week", cap.limit),
        "month": ngettext("%(number)s a month", "%(number)s a month", cap.limit),
        "year": ngettext("%(number)s a year", "%(number)s a year", cap.limit),
    }
    return words[cap.name] % {"number": cap.limit}


def _gap(pace: Pace) -> str:
    return _("At least %(hours)s hours between two.") % {"hours": f"{pace.gap_hours:g}"}


def _hour(hour: float) -> str:
    return f"{int(hour):02}:{round(hour % 1 * 60):02}"
