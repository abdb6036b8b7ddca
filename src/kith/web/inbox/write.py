"""Writing to somebody first: choose whom, from where, and say it. The gate stands before it as before every answer."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kith.base.greetings import greeted_name
from kith.channels.answers import recipients_typed, signed
from kith.channels.compose import with_facts
from kith.channels.finding import recipients_found
from kith.channels.outbox import Compose, OutboxError, message_send
from kith.channels.settle import approval_ask
from kith.contacts.selectors import IdentityName, identity_names
from kith.conversations.models import Draft
from kith.conversations.services import drafts
from kith.core.fields import as_uuid
from kith.listening.selectors import mention_row
from kith.listening.services.mentions import post_answered
from kith.listening.types import MentionRow
from kith.networks.models import ChannelAccount
from kith.networks.selectors import channel_accounts_for, manifest_of, offered, only_public
from kith.trust.advice import Advice
from kith.web import pages
from kith.web.access import SignedIn, writers
from kith.web.inbox.actions import moment_of
from kith.web.inbox.compose import files_of, override_reason, uploads_of
from kith.web.inbox.lists import list_context
from kith.web.inbox.words import LaterChoice, later_choices
from kith.web.inbox.write_advice import advice_before, purpose_of, purposes
from kith.workspace.people_find import recipients_find

FIELDS = ("account", "to", "cc", "bcc", "identity", "subject", "about", "text")
_SPECIAL = re.compile(r"[^\w .'-]")  # a name with one of these stands in quotes


@dataclass(frozen=True, slots=True)
class Writing:
    """The form's state: accounts to write from, what was typed (perhaps kept from before), and what is wrong with it."""

    accounts: list[tuple[str, str]]
    values: dict[str, str]
    error: str = ""
    to_name: str = ""
    draft_id: str = ""
    kept: Draft | None = None
    later: tuple[LaterChoice, ...] = ()
    purposes: tuple[tuple[str, str], ...] = ()
    advice: Advice | None = None
    urgent: bool = False
    post: MentionRow | None = None  # that is answered


def _post(request: SignedIn) -> MentionRow | None:
    """The public post that this would answer, where one is named and a search of theirs found it."""
    key = as_uuid((request.POST if request.method == "POST" else request.GET).get("post", ""))
    return mention_row(request.viewer, key) if key is not None else None


def _state(request: SignedIn, error: str = "") -> Writing:
    source = request.POST if request.method == "POST" else request.GET
    values = {name: source.get(name, "") for name in FIELDS}
    key = as_uuid(values["identity"])
    found = identity_names([key]).get(key) if key is not None else None
    accounts = []
    for account in channel_accounts_for(request.viewer):
        if found is not None and account.network != found.network:
            continue
        manifest = manifest_of(account.network)
        if manifest and "sends" in manifest.capabilities and manifest.limits.may_start_conversation:
            title = f"{account.address or account.name} ({manifest.title})"
            if not manifest.limits.private_messages:
                title = _("%(account)s: everybody can read it") % {"account": title}
            accounts.append((manifest.medium != "mail", str(account.pk), title))
    kept = None
    if not any(values.values()):
        kept = _newest(request)
        if kept is not None:
            values |= {name: str(kept.recipients.get(name, "")) for name in FIELDS}
            values |= {"subject": kept.subject, "text": kept.body}
    urgent = bool(source.get("urgent"))
    chosen = _account(
        request, values["account"] or (sorted(accounts, key=lambda a: a[0])[0][1] if accounts else "")
    )
    return Writing(
        [(key, title) for _others, key, title in sorted(accounts, key=lambda found: found[0])],
        values,
        error,
        f"{found.name} ({found.handle or found.external_id})" if found else "",
        draft_id=source.get("draft", "") or (str(kept.pk) if kept else ""),
        kept=kept,
        later=tuple(later_choices()),
        purposes=tuple(purposes()),
        advice=advice_before(request, chosen, values, urgent=urgent),
        urgent=urgent,
        post=_post(request),
    )


def _newest(request: SignedIn) -> Draft | None:
    """What one was writing to somebody new, if it was not sent."""
    return next((d for d in drafts.drafts_of(request.viewer) if d.conversation_id is None), None)


def _recipients(request: SignedIn, account: ChannelAccount) -> tuple[tuple[uuid.UUID, str], ...]:
    """The identities to write to: one that was chosen, or the addresses that were typed."""
    key = as_uuid(request.POST.get("identity", ""))
    cc, bcc = request.POST.get("cc", ""), request.POST.get("bcc", "")
    by_address = _by_address(account)
    chosen = identity_names([key]).get(key) if key is not None else None
    if chosen is not None:
        if chosen.network != account.network:
            raise OutboxError(_("They can't be reached from there. Choose an account of the same network."))
        more = recipients_typed(account, to="", cc=cc, bcc=bcc) if by_address else ()
        return ((chosen.id, "to"), *(pair for pair in more if pair[0] != key))
    typed = request.POST.get("to", "").strip()
    if not typed:
        raise OutboxError(_("Say who it is for."))
    if not by_address:
        return recipients_found(account, typed)
    return recipients_typed(account, to=typed, cc=cc, bcc=bcc)


def _by_address(account: ChannelAccount) -> bool:
    manifest = manifest_of(account.network)
    return manifest is not None and manifest.medium in ("mail", "sms")


def _account(request: SignedIn, key: str) -> ChannelAccount | None:
    known = as_uuid(key)
    return channel_accounts_for(request.viewer).filter(pk=known).first() if known is not None else None


@writers
def write(request: SignedIn) -> HttpResponse:
    """GET shows the form (`?identity=` whom to), POST sends; errors come back with the form."""
    if request.method != "POST":
        return _show(request, _state(request))
    try:
        account = _account(request, request.POST.get("account", ""))
        if account is None:
            raise OutboxError(_("Choose from where to write."))
        text = request.POST.get("text", "").replace("\r\n", "\n")
        post = _post(request)
        public = only_public(account.network) or post is not None
        if post is not None and post.post.network != account.network:
            raise OutboxError(_("A post is answered where it stands. Choose an account of the same network."))
        compose = Compose(
            user=request.user,
            account=account,
            text=text,
            recipients=_recipients(request, account),
            subject=request.POST.get("subject", "")[:500],
            in_reply_to=post.post.external_id if post is not None else "",
            visibility="public" if public else "private",
            send_at=moment_of(request, "send_at"),
            purpose=purpose_of(request.POST.get("about", "")),
            name_used="" if public else greeted_name(text),
            urgent=bool(request.POST.get("urgent")),
            override_reason=override_reason(request),
        )
        compose, _facts = with_facts(compose, request.viewer)
        sent = message_send(signed(replace(compose, files=files_of(uploads_of(request)))))
        if request.POST.get("ask_manager"):
            approval_ask(request.viewer, sent.message_id)
    except (OutboxError, ValueError) as error:
        return _show(request, _state(request, str(error)), status=422)
    if post is not None:
        post_answered(request.viewer, post.post.pk, sent.conversation_id)
    drafts.draft_delete(request.viewer, draft_id=as_uuid(request.POST.get("draft", "")))
    return HttpResponse(headers={"HX-Redirect": reverse("conversation", args=[sent.conversation_id])})


@require_GET
@writers
def who(request: SignedIn) -> HttpResponse:
    """Whom `q`, the beginning of what is typed, may mean: on the network of `account`, else by mail."""
    text = request.GET.get("q", "")[:200].strip()
    account = _account(request, request.GET.get("account", ""))
    networks = {account.network} if account else {m.name for m in offered() if m.medium == "mail"}
    found = recipients_find(request.viewer, text, networks) if len(text) > 1 else []
    by_mail = account is None or _by_address(account)
    return pages.part(
        request, "inbox/write_who.html", {"people": [(one, _typed(one, by_mail=by_mail)) for one in found]}
    )


def _typed(one: IdentityName, *, by_mail: bool) -> str:
    """As a person would type it."""
    address = one.handle or one.external_id
    if not by_mail or one.name == address:
        return address
    name = one.name.replace('"', "").replace("\\", "")
    return f'"{name}" <{address}>' if _SPECIAL.search(name) else f"{name} <{address}>"


@require_POST
@writers
def write_draft(request: SignedIn) -> HttpResponse:
    """Keep what is being written to somebody new; `forget` drops it and shows an empty form."""
    key = as_uuid(request.POST.get("draft", ""))
    if request.POST.get("forget"):
        drafts.draft_delete(request.viewer, draft_id=key)
        return HttpResponse(headers={"HX-Redirect": reverse("write")})
    values = {name: request.POST.get(name, "")[:4000] for name in FIELDS if name not in ("subject", "text")}
    text = request.POST.get("text", "").replace("\r\n", "\n")
    if text.strip() or request.POST.get("subject", "").strip():
        row = drafts.draft_save(
            request.viewer,
            draft_id=key,
            mode="new",
            body=text,
            subject=request.POST.get("subject", ""),
            recipients=values,
        )
        key = row.pk
    urgent = bool(request.POST.get("urgent"))
    typed = {**values, "text": text, "subject": request.POST.get("subject", "")}
    says = advice_before(request, _account(request, values["account"]), typed, urgent=urgent)
    context = {"draft_id": key, "kept": bool(text.strip()), "advice": says, "urgent": urgent}
    return pages.part(request, "inbox/write_said.html", context)


def _show(request: SignedIn, writing: Writing, status: int = 200) -> HttpResponse:
    if pages.wants_fragment(request):
        return pages.part(request, "inbox/write.html", {"writing": writing}, status=status)
    context = {**list_context(request, "inbox", ""), "writing": writing}
    return pages.page(request, "inbox/page.html", context, section="inbox", status=status)
