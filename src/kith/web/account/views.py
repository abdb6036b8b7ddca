"""One's own profile, notifications, sessions and tokens; and accepting an invitation."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from kith.base.clock import now
from kith.core import company
from kith.teams.errors import TeamsError
from kith.teams.models import ApiToken
from kith.teams.push import devices_of
from kith.teams.services import (
    api_token_create,
    api_token_revoke,
    invitation_accept,
    invitation_by_token,
    push_subscription_remove,
    session_end,
    sessions_end,
    sessions_of,
    user_update_profile,
)
from kith.teams.wishes import (
    KINDS,
    WAYS,
    Quiet,
    quiet_of,
    quiet_set,
    says_aloud,
    settings_of,
    settings_set,
    zone_of,
)
from kith.web.access import SignedIn, public, signed_in
from kith.web.account.browsers import browser_named
from kith.web.account.forms import (
    AcceptForm,
    NotificationsForm,
    ProfileForm,
    TokenForm,
    permission_words,
)
from kith.web.pages import page
from kith.web.settings.page import blame, done, show

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SENT_WRONG = 422


@signed_in
def profile(request: SignedIn) -> HttpResponse:
    """GET shows, POST changes what the form declares and nothing else."""
    user = request.user
    form = ProfileForm(
        request.POST or None, initial={name: getattr(user, name) for name in ProfileForm.base_fields}
    )
    if request.method == "POST" and form.is_valid():
        try:
            user_update_profile(user=user, values=form.changed())
        except TeamsError as error:
            blame(form, error)
        else:
            done(request, _("Your profile is changed."))
            return redirect("account:profile")
    status = SENT_WRONG if request.method == "POST" else 200
    return show(request, "account/profile.html", section="account:profile", status=status, form=form)


@signed_in
def notifications(request: SignedIn) -> HttpResponse:
    """Which news interrupts, how and when, and the devices that asked to be told."""
    wishes, quiet = settings_of(request.user), quiet_of(request.user)
    initial: dict[str, Any] = {way: [kind for kind in KINDS if wishes[kind][way]] for way in WAYS}
    initial |= {"quiet": quiet.on, "start": quiet.start, "end": quiet.end, "weekends": quiet.weekends}
    form = NotificationsForm(request.POST or None, initial={**initial, "aloud": says_aloud(request.user)})
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        settings_set(request.user, form.wishes())
        hours = Quiet(chosen["quiet"], chosen["start"], chosen["end"], chosen["weekends"])
        quiet_set(request.user, hours, aloud=chosen["aloud"])
        done(request, _("Your notifications are changed."))
        return redirect("account:notifications")
    return show(
        request,
        "account/notifications.html",
        section="account:notifications",
        status=SENT_WRONG if request.method == "POST" else 200,
        form=form,
        ways=list(WAYS.items()),
        devices=devices_of(request.user),
        here=request.session.session_key,
        zone=str(zone_of(request.user)),
    )


@require_POST
@signed_in
def device_remove(request: SignedIn, pk: str) -> HttpResponse:
    """Push nothing more to one of the user's own browsers."""
    if not push_subscription_remove(user=request.user, subscription_id=uuid.UUID(str(pk))):
        raise Http404
    return redirect("account:notifications")


@never_cache
@signed_in
def security(request: SignedIn) -> HttpResponse:
    """Ways to sign in, and open sessions."""
    kinds = list(Authenticator.objects.filter(user=request.user).values_list("type", flat=True))
    return show(
        request,
        "account/security.html",
        section="account:security",
        sessions=sessions_of(request.user, current_key=request.session.session_key or ""),
        totp=Authenticator.Type.TOTP in kinds,
        keys=kinds.count(Authenticator.Type.WEBAUTHN),
        codes=Authenticator.Type.RECOVERY_CODES in kinds,
        browser_named=browser_named,
        single_sign_on=settings.KITH.oidc_name if settings.KITH.oidc_url else "",
        joined=SocialAccount.objects.filter(user=request.user).exists(),
    )


@require_POST
@signed_in
def session_end_one(request: SignedIn, pk: int) -> HttpResponse:
    """End one of the user's own sessions."""
    if not session_end(user=request.user, session_id=pk):
        raise Http404
    return redirect("account:security")


@require_POST
@signed_in
def sessions_end_others(request: SignedIn) -> HttpResponse:
    """End all of the user's sessions but this one."""
    sessions_end(user=request.user, keep_key=request.session.session_key or "")
    done(request, _("All other sessions have ended."))
    return redirect("account:security")


@never_cache
@signed_in
def tokens(request: SignedIn) -> HttpResponse:
    """List; POST makes one, whose text is in this answer and never again."""
    form, fresh = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        try:
            fresh = api_token_create(
                user=request.user,
                name=form.cleaned_data["name"],
                permissions=form.cleaned_data["permissions"],
                expires_at=now() + timedelta(days=days) if days else None,
            )[1]
            form = TokenForm()
        except TeamsError as error:
            blame(form, error)
    rows = ApiToken.objects.filter(user=request.user, revoked_at=None).order_by("-id")
    status = SENT_WRONG if request.method == "POST" and not fresh else 200
    return show(
        request,
        "account/tokens.html",
        section="account:tokens",
        status=status,
        form=form,
        fresh=fresh,
        words=permission_words,
        rows=rows,
    )


@require_POST
@signed_in
def token_revoke(request: SignedIn, pk: str) -> HttpResponse:
    """End one of the user's own tokens."""
    api_token_revoke(token=get_object_or_404(ApiToken, pk=pk, user=request.user))
    done(request, _("The token has ended."))
    return redirect("account:tokens")


@sensitive_post_parameters()
@never_cache
@public
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Who holds the link chooses a password, and is signed in. A link that does not work says so, with 410."""
    found = invitation_by_token(token)
    if found is None:
        return page(request, "account/invitation_gone.html", {}, status=410)
    form = AcceptForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            user = invitation_accept(
                raw=token, name=form.cleaned_data["name"], password=form.cleaned_data["password"]
            )
        except (TeamsError, ValidationError) as error:
            blame(form, error)
        else:
            login(request, user, BACKEND)
            return redirect("/")
    status = SENT_WRONG if request.method == "POST" else 200
    context = {
        "form": form,
        "email": found.email,
        "company_name": company.name(),
        "single_sign_on": settings.KITH.oidc_name if settings.KITH.oidc_url else "",
    }
    return page(request, "account/invitation.html", context, status=status)
