"""The form of connecting or reconnecting a channel: what a network needs, and for a new account what is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markupsafe import Markup

from kith.channels import discovery, gateway, progress
from kith.channels.words import in_words
from kith.networks.errors import NetworksError
from kith.networks.models import ChannelAccount
from kith.networks.selectors import NetworkManifest
from kith.networks.services import (
    channel_account_connect,
    channel_account_update,
    may_administer,
    values_merge,
    values_split,
)
from kith.networks.types import Own
from kith.teams.errors import NotAllowed
from kith.web import pages
from kith.web.access import SignedIn
from kith.web.settings.base_forms import Form
from kith.web.settings.channel_forms import AudienceForm, IntakeForm, ManifestForm
from kith.web.settings.channels import SECTION
from kith.web.settings.network_rules import rule_sentences
from kith.web.settings.page import blame, show
from kith.web.settings.people import address_of

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_DEEPER = str.maketrans("12345", "34566")  # the screen has its own title, and the box one of its own


def _readme(network: str) -> Markup:
    """What the connector's folder says of it, with its headings below those of the screen."""
    tokens = _markdown.parse(discovery.readme(network))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = token.tag.translate(_DEEPER)
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704  (html is off)


class Connecting:
    """One form of connecting or reconnecting: the network's fields, and for a new account what is asked once."""

    def __init__(self, request: SignedIn, manifest: NetworkManifest, account: ChannelAccount | None) -> None:
        data = request.POST or None
        self.request, self.manifest, self.account = request, manifest, account
        known = dict(account.settings) if account else None
        self.network = ManifestForm(data, manifest=manifest, account=account, initial=known)
        self.intake = None if account else IntakeForm(data, manifest=manifest)
        self.audience = None if account else AudienceForm(data, user=request.user)
        self.works: Own | None = None
        self.found = ""
        self.filled: set[str] | None = None
        self.stopped = False
        self.run: progress.Run | None = None
        if account and account.details:
            self.network.offer(account.details)

    @property
    def forms(self) -> list[Form]:
        return [form for form in (self.network, self.intake, self.audience) if form is not None]

    def is_valid(self) -> bool:
        said = [form.is_valid() for form in self.forms]  # each, so that every form shows its errors
        return all(said)

    def values(self) -> dict[str, str]:
        return {key: value for key, value in self.network.values().items() if value}

    def try_it(self, tokens: dict[str, str] | None = None) -> tuple[Own, dict[str, str]]:
        """Really connect: who we are there, and the values that worked (servers may have been found)."""
        values = self.values()
        try:
            settings, hidden = self._split(values)
        except NetworksError as error:
            if self.account is not None or not self._may_look(values, error.field):
                raise
            secret_names = {field.name for field in self.manifest.fields if field.secret}
            hidden = {key: value for key, value in values.items() if key in secret_names}
            plain = {key: value for key, value in values.items() if key not in secret_names}
            own, found = discovery.check_found(self.manifest.name, plain, {**hidden, **(tokens or {})})
            return _own(own), {**found, **hidden}
        own = gateway.check(self.manifest.name, settings, {**hidden, **(tokens or {})})
        return _own(own), values

    def _may_look(self, values: dict[str, str], blamed: str) -> bool:
        """Whether only servers are missing, which can be looked for."""
        return (
            discovery.can_discover(self.manifest.name)
            and bool(values.get("address"))
            and any(field.name == blamed and field.kind == "host" for field in self.manifest.fields)
        )

    def _split(self, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        return values_merge(self.account, values) if self.account else values_split(self.manifest, values)

    def save(self, own: Own, values: dict[str, str], tokens: dict[str, str] | None = None) -> ChannelAccount:
        if self.account is not None:
            return channel_account_update(
                account=self.account,
                user=self.request.user,
                values=values,
                own=own,
                team=self.account.team,
                tokens=tokens,
            )
        assert self.intake is not None
        assert self.audience is not None
        return channel_account_connect(
            network=self.manifest.name,
            name=self.intake.cleaned_data.get("name", ""),
            values=values,
            own=own,
            audience=self.audience.chosen(),
            user=self.request.user,
            intake=self.intake.chosen(),
            team=self.intake.cleaned_data.get("team"),
            tokens=tokens,
        )

    def find(self) -> None:
        """Fill in what the address tells (servers, ports, who signs people in), and say where it comes from."""
        self.filled = set()
        address = self.request.POST.get("address", "")
        best = next(iter(discovery.found_for(self.manifest.name, address)), None)
        if best is None:
            self.found = _("That is not an e-mail address.") if address.strip() else ""
            return
        source = best.pop("source", "")
        if best.pop("guess", ""):
            self.found = _(
                "This domain does not say which servers it has. Kith tries the usual names when you connect."
            )
            return
        self.fill(best)
        self.filled = set(best)
        self.found = _("Filled in from %(source)s.") % {"source": source}

    def fill(self, values: Mapping[str, str]) -> None:
        """Put values into the network's fields, as if they had been typed."""
        data = self.request.POST.copy()
        for name, value in values.items():
            if name in self.network.fields:
                data[name] = value
        self.network = ManifestForm(data, manifest=self.manifest, account=self.account)

    def tried(self, own: Own, worked: Mapping[str, str]) -> None:
        """It works: show as whom, the servers that answered, and the folders that there are to choose from."""
        secrets = {field.name for field in self.manifest.fields if field.secret}
        self.fill({name: value for name, value in worked.items() if name not in secrets})
        self.network.offer(own.details)
        if self.intake is not None:
            self.intake.offer(own.details)
        self.works = own

    def blame(self, error: Exception) -> None:
        field = getattr(error, "field", "")
        blame(next((form for form in self.forms if field in form.fields), self.network), error)

    def show(self, status: int) -> HttpResponse:
        if pages.wants_fragment(self.request) and self.request.method == "POST":
            return self._parts()
        return show(
            self.request,
            "settings/channel_connect.html",
            section=SECTION,
            status=status,
            manifest=self.manifest,
            account=self.account,
            network_form=self.network,
            intake_form=self.intake,
            audience_form=self.audience,
            works=self.works,
            found=self.found,
            steps=self._tried(),
            stopped=self.stopped,
            signs_in=self._signs_in(),
            looks=discovery.can_discover(self.manifest.name),
            rules=rule_sentences(self.manifest),
            readme=_readme(self.manifest.name),
            redirect_uri=redirect_uri_of(self.request) if "authorizes" in self.manifest.capabilities else "",
        )

    def _tried(self) -> list[progress.Step]:
        """What was tried, once something did not work."""
        steps = self.run.steps if self.run else []
        return steps_said(steps) if any(step.why for step in steps) else []

    def _signs_in(self) -> bool:
        """Whether signing in on the network's own page is the way, and not one of several."""
        return "authorizes" in self.manifest.capabilities and all(
            f.name != "auth" for f in self.manifest.fields
        )

    def _parts(self) -> HttpResponse:
        """Each field anew with what is wrong with it, but a secret only when it is to blame: what was typed stays.

        A search for servers shows only what it filled in: meanwhile, more may have been typed elsewhere.
        """
        secrets = {field.name for field in self.manifest.fields if field.secret}
        fields = [bound for form in self.forms for bound in form if bound.errors or bound.name not in secrets]
        if self.filled is not None:
            fields = [bound for bound in self.network if bound.name in self.filled]
        wrong = [str(error) for form in self.forms for error in form.non_field_errors()]
        context: dict[str, Any] = {
            "fields": [] if self.stopped else fields,
            "works": self.works,
            "found": self.found,
            "wrong": wrong,
            "steps": self._tried(),
            "stopped": self.stopped,
        }
        if (
            not wrong
            and not self.works
            and not self.stopped
            and any(form.errors for form in self.forms if form.is_bound)
        ):
            context["wrong"] = [_("Please look at the fields that are marked.")]
        return pages.part(self.request, "settings/channel_connect_parts.html", context)


def steps_said(steps: Iterable[progress.Step]) -> list[progress.Step]:
    """Steps in the reader's language."""
    return [progress.Step(in_words(step.text), in_words(step.why)) for step in steps]


def _own(own: Any) -> Own:
    return Own(own.external_id, own.handle or own.external_id, own.display_name, own.realm, dict(own.details))


def redirect_uri_of(request: SignedIn) -> str:
    return address_of(request, reverse("settings:channel_callback"))


def may(connecting: Connecting) -> None:
    """Before anything is called: whoever may not connect makes us call nobody."""
    audience = connecting.audience.chosen() if connecting.audience else None
    if not may_administer(connecting.request.user, connecting.account, audience):
        raise NotAllowed(_("You can connect channels for yourself alone; ask an administrator for others."))
