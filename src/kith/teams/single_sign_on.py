"""Single sign-on by OpenID Connect: the issuer's word is checked, and who may come in is decided here."""

from __future__ import annotations

import logging
from typing import Any

import httpx
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render

from kith.base import http
from kith.core import audit
from kith.teams.models import User
from kith.teams.services.invitations import invitation_accept_confirmed
from kith.teams.services.users import user_create

PROVIDER = "company"
MAX_ANSWER = 1024 * 1024
logger = logging.getLogger(__name__)


class _Answer:
    """What allauth reads of an answer."""

    def __init__(self, status: int, headers: httpx.Headers, content: bytes) -> None:
        self.status_code, self.headers, self.content = status, headers, content

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        try:
            return httpx.Response(200, content=self.content).json()
        except ValueError as error:
            raise OAuth2Error("the issuer's answer is no JSON") from error

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise OAuth2Error(f"the issuer answered {self.status_code}")


class _Session:
    """What allauth uses of a session of `requests`, by the guarded client: the issuer says where its parts are, and
    they may not be inside our network unless KITH_ALLOWED_NETWORKS names it."""

    def __init__(self) -> None:
        self._client = http.client(allowed=settings.KITH.networks)

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, **rest: Any) -> _Answer:
        return self.request("GET", url, **rest)

    def request(self, method: str, url: str, *, auth: Any = None, **rest: Any) -> _Answer:
        """`auth` is HTTP Basic of `requests`, or None."""
        pair = (auth.username, auth.password) if auth is not None else None
        try:
            with self._client.stream(method, url, auth=pair, **rest) as response:
                return _Answer(
                    response.status_code, response.headers, http.read_capped(response, MAX_ANSWER, seconds=30)
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OAuth2Error(f"the issuer can't be reached: {error}") from error


class IssuerAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Takes nothing on trust: the issuer is the one that was asked, its signature holds, both of its answers are about
    one person."""

    @property
    def openid_config(self) -> dict[str, Any]:
        found: Any = super().openid_config
        wanted = str(settings.KITH.oidc_url)
        if not isinstance(found, dict):
            raise OAuth2Error("the issuer does not describe itself")
        if "/.well-known/" not in wanted and str(found.get("issuer", "")).rstrip("/") != wanted.rstrip("/"):
            raise OAuth2Error(f"the issuer calls itself {found.get('issuer')!r}, not {wanted!r}")
        schemes = ("https://",) if wanted.startswith("https://") else ("https://", "http://")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(found.get(name, "")).startswith(schemes):
                raise OAuth2Error(f"the issuer names no {name} that can be used")
        return found

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **rest: Any) -> Any:
        claims = self._decode_id_token(app, rest["response"].get("id_token") or "")
        if not claims.get("sub"):
            raise OAuth2Error("the issuer does not say who it is")
        told = self._fetch_user_info(token.token) if self.openid_config.get("userinfo_endpoint") else {}
        if told and told.get("sub") != claims["sub"]:
            raise OAuth2Error("the issuer's two answers are about different people")
        data = {"userinfo": {**claims, **told}, "id_token": claims}
        return self.get_provider().sociallogin_from_response(request, data)

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=jwtkit.lookup_kid_jwk,
                verify_signature=True,
            )
        except OAuth2Error:
            raise
        except Exception as error:  # a forged token may make the reader of tokens stumble anywhere
            raise OAuth2Error(f"the issuer's token can't be read: {type(error).__name__}") from error
        return found


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Lets in who is known or invited by a confirmed address; others only where the settings say so."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def get_requests_session(self) -> _Session:
        return _Session()

    def on_authentication_error(self, request: HttpRequest, provider: Any, **rest: Any) -> None:
        logger.warning("single sign-on failed: %s", rest.get("exception") or rest.get("error"))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Joins the issuer's account to a user, a new one perhaps; who may not come in gets a page that says so."""
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        told = [address.email.strip().lower() for address in sociallogin.email_addresses]
        trusted = settings.KITH.oidc_trust_email
        confirmed = [
            address.email.strip().lower()
            for address in sociallogin.email_addresses
            if trusted
            or str(address.verified).lower() == "true"  # some issuers say "false", which is not nothing
        ]
        user = self._known(confirmed) or self._new(confirmed, sociallogin)
        if user is None:
            audit.record("sign_in_refused", "user", None, email=(told or [""])[0][:200])
            context = {"email": (told or [""])[0], "unconfirmed": bool(told) and not confirmed}
            raise ImmediateHttpResponse(render(request, "socialaccount/refused.html", context, status=403))
        sociallogin.connect(request, user)

    def _known(self, confirmed: list[str]) -> User | None:
        return User.objects.filter(email__in=confirmed, is_active=True).first()

    def _new(self, confirmed: list[str], sociallogin: Any) -> User | None:
        """Made of an open invitation, or of the issuer's word alone where the settings allow it."""
        if User.objects.filter(email__in=confirmed).exists():
            return None  # somebody who has left
        name = str(sociallogin.account.extra_data.get("userinfo", {}).get("name") or "").strip()[:200]
        for address in confirmed:
            invited = invitation_accept_confirmed(email=address, name=name)
            if invited is not None:
                return invited
        environment = settings.KITH
        if environment.oidc_new_people != "everyone":
            return None
        domains = environment.oidc_domain_names
        for address in confirmed:
            if not domains or address.rsplit("@", 1)[-1] in domains:
                return user_create(
                    email=address, name=name or address.split("@")[0], role=environment.oidc_role
                )
        return None
