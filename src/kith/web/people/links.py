"""Which identities are a person's: found and linked by hand, unlinked, merged, each with its undo."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kith.contacts.models import Contact, Identity, IdentityLink, Merge
from kith.contacts.selectors import canonical_of
from kith.contacts.services import (
    contact_merge,
    contact_merge_undo,
    identities_observe,
    identity_block,
    identity_unblock,
    identity_unlink,
)
from kith.contacts.services.contacts import ContactError
from kith.contacts.types import ObservedIdentity
from kith.conversations.selectors import identities_seen
from kith.core.fields import as_uuid
from kith.networks.selectors import manifest_of, offered
from kith.trust.services import TrustError, identity_link_ask
from kith.web import pages
from kith.web.access import SignedIn, signed_in, writers
from kith.web.people.acts import contact_or_404, dialog, done, refused
from kith.web.people.fields import fact_words
from kith.workspace.people import contact_page, is_richer
from kith.workspace.people_find import address_of, strangers_find
from kith.workspace.people_list import PeopleView, people_list

# How a colleague may say that they know; what a message proves by itself is not theirs to choose.
BASES = (IdentityLink.Basis.BY_HAND, IdentityLink.Basis.DISCLOSED)


@writers
def link_dialog(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """Search among those who wrote and are nobody's contact, or type an address; `?q=` gives the rows alone."""
    contact = contact_or_404(contact_id)
    text = request.GET.get("q", "").strip()[:300]
    networks = [
        (m.name, m.title) for m in offered() if m.limits.may_link_identity and m.name not in ("simulator",)
    ]
    context: dict[str, Any] = {"contact_id": contact.pk, "q": text, "networks": networks}
    context["bases"] = [(b.value, b.label) for b in BASES]
    context["found"] = strangers_find(request.viewer, text) if len(text) > 1 else []
    context["typed"] = address_of(text)
    if "q" in request.GET:
        return pages.part(request, "people/dialogs/link_rows.html", context)
    return dialog(request, "link", context)


@require_POST
@writers
def link(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """POST `identity`, or `network` and `handle`; `basis` and `why` say how we know."""
    contact = contact_or_404(contact_id)
    basis = request.POST.get("basis", "")
    basis = basis if basis in BASES else IdentityLink.Basis.BY_HAND
    try:
        identity = _wanted(request)
        if identity.kind != Identity.Kind.PERSON:
            raise ContactError(
                _("%(address)s is a shared or automatic address. Link the person who wrote, not the address.")
                % {"address": identity.handle or identity.external_id}
            )
        owner = canonical_of(identity.contact_id) if identity.contact_id else None
        if owner == contact.pk:
            raise ContactError(_("This address is theirs already."))
        if owner is not None:
            name = Contact.objects.values_list("name", flat=True).get(pk=owner)
            raise ContactError(
                _("This address belongs to %(name)s. Merge the two, if they are one person.") % {"name": name}
            )
    except ContactError as error:
        return refused(request, error)
    why = request.POST.get("why", "").strip()[:500]
    try:
        identity_link_ask(
            identity=identity,
            contact=contact,
            basis=basis,
            user=request.user,
            evidence={"words": why} if why else {},
        )
    except TrustError as error:
        return refused(request, error)
    return done(
        request,
        contact.pk,
        _("%(address)s is theirs now.") % {"address": identity.handle or identity.external_id},
        undo=reverse("identity_unlink", args=[contact.pk, identity.pk]),
    )


def _wanted(request: SignedIn) -> Identity:
    key = as_uuid(request.POST.get("identity", ""))
    if key is not None:
        found = identities_seen(request.viewer).filter(pk=key).first()
        if found is None:
            raise Http404
        return found
    manifest = manifest_of(request.POST.get("network", ""))
    text = " ".join(request.POST.get("handle", "").split())[:500]
    if manifest is None or not manifest.limits.may_link_identity:
        raise ContactError(_("Choose the channel of this address."))
    if not text:
        raise ContactError(_("An address is needed."))
    external = text
    if manifest.medium == "mail":
        external = address_of(text)
        if not external:
            raise ContactError(_("This is no mail address."))
    known = Identity.objects.filter(network=manifest.name, handle__iexact=text.lstrip("@")).first()
    if known is not None:
        return known
    observed = ObservedIdentity(manifest.name, external, handle=external)
    return Identity.objects.get(pk=identities_observe([observed])[observed.key].id)


@require_POST
@writers
def unlink(request: SignedIn, contact_id: uuid.UUID, identity_id: uuid.UUID) -> HttpResponse:
    """The address is nobody's again; the undo links it as it was."""
    contact = contact_or_404(contact_id)
    identity = _theirs(contact, identity_id)
    identity_unlink(identity=identity, user=request.user)
    return done(
        request,
        contact.pk,
        _("%(address)s is not theirs any more.") % {"address": identity.handle or identity.external_id},
        undo=reverse("identity_relink", args=[contact.pk, identity.pk]),
    )


def _theirs(contact: Contact, identity_id: uuid.UUID) -> Identity:
    found = Identity.objects.filter(pk=identity_id, contact__canonical=contact.pk).first()
    if found is None:
        raise Http404
    return found


@require_POST
@writers
def block(request: SignedIn, contact_id: uuid.UUID, identity_id: uuid.UUID) -> HttpResponse:
    """What comes from this address is set aside from now on; what is in the inbox stays there."""
    contact = contact_or_404(contact_id)
    identity_block(identity_id=_theirs(contact, identity_id).pk, user=request.user)
    return done(
        request,
        contact.pk,
        _("Blocked. What they write is set aside."),
        undo=reverse("identity_unblock", args=[contact.pk, identity_id]),
    )


@require_POST
@writers
def unblock(request: SignedIn, contact_id: uuid.UUID, identity_id: uuid.UUID) -> HttpResponse:
    contact = contact_or_404(contact_id)
    identity_unblock(identity_id=_theirs(contact, identity_id).pk)
    return done(request, contact.pk, _("No longer blocked"))


@require_POST
@writers
def relink(request: SignedIn, contact_id: uuid.UUID, identity_id: uuid.UUID) -> HttpResponse:
    """Undo of `unlink`: with the basis and the words of the link that was ended last."""
    contact = contact_or_404(contact_id)
    last = (
        IdentityLink.objects.filter(identity_id=identity_id, contact__canonical=contact.pk)
        .order_by("-unlinked_at")
        .select_related("identity", "contact")
        .first()
    )
    if last is None or last.identity.contact_id is not None:
        raise Http404
    try:
        identity_link_ask(
            identity=last.identity,
            contact=contact,
            basis=last.basis,
            user=request.user,
            evidence=last.evidence,
            score=last.score,
        )
    except TrustError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return done(request, contact.pk, _("Theirs again."))


@writers
def merge_search(request: SignedIn, contact_id: uuid.UUID) -> HttpResponse:
    """Who is the same person? `?q=` gives the rows alone. Nobody is proposed: names prove nothing."""
    contact = contact_or_404(contact_id)
    text = request.GET.get("q", "").strip()[:300]
    rows = people_list(request.viewer, PeopleView(search=text), limit=20).rows if len(text) > 1 else ()
    context = {"contact": contact, "q": text, "rows": [r for r in rows if r.id != contact.pk]}
    if pages.wants_fragment(request) and "q" in request.GET:
        return pages.part(request, "people/merge_rows.html", context)
    return pages.page(request, "people/merge_search.html", context, section="people")


@signed_in
def merge_compare(request: SignedIn, contact_id: uuid.UUID, other_id: uuid.UUID) -> HttpResponse:
    """Both side by side, and what will happen. The richer record stays, unless `?as=given` says that the first one does."""
    if not request.user.may_write:
        return HttpResponseRedirect(reverse("person", args=[contact_id]))
    left, right = contact_or_404(contact_id), contact_or_404(other_id)
    if left.pk == right.pk:
        return HttpResponseRedirect(reverse("person", args=[left.pk]))
    sides = [contact_page(request.viewer, left.pk), contact_page(request.viewer, right.pk)]
    if request.GET.get("as") != "given" and sides[0] and sides[1] and is_richer(sides[1], sides[0]):
        left, right, sides = right, left, sides[::-1]
    names = {"family_name": _("Last name"), "city": _("City"), "language": _("Language")}
    rows = [
        (label, *(fact_words(column, getattr(side, column) or "") for side in (left, right)))
        for column, label in names.items()
    ]
    context = {
        "left": sides[0],
        "right": sides[1],
        "rows": rows,
        "proposed": request.GET.get("as") != "given",
    }
    return pages.page(request, "people/merge_compare.html", context, section="people")


@require_POST
@writers
def merge(request: SignedIn, contact_id: uuid.UUID, other_id: uuid.UUID) -> HttpResponse:
    """`other_id` is read as `contact_id` from now on."""
    keep, lose = contact_or_404(contact_id), contact_or_404(other_id)
    try:
        made = contact_merge(
            survivor=keep, loser=lose, user=request.user, reason=request.POST.get("reason", "").strip()[:500]
        )
    except ContactError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return done(request, keep.pk, _("They are one person now."), undo=reverse("merge_undo", args=[made.pk]))


@require_POST
@writers
def merge_undo(request: SignedIn, merge_id: uuid.UUID) -> HttpResponse:
    """Two people again, each with what was theirs; what was done since stays with whom it was done to."""
    made = Merge.objects.filter(pk=merge_id).first()
    if made is None:
        raise Http404
    try:
        contact_merge_undo(merge=made, user=request.user)
    except ContactError as error:
        return pages.with_toast(HttpResponse(), str(error), kind="error")
    return done(request, made.survivor_id, _("They are two people again."))
