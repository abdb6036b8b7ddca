"""How allauth fits us: nobody signs up by themselves; accounts come by invitation or first start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from kith.core import company, secrets
from kith.teams import guesses


@dataclass(frozen=True, slots=True)
class _Site:
    """What mails say of us: never what the request calls its host."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _(
            "Too many failed attempts. Wait five minutes (an hour after many), or choose a new password by mail."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **rest: Any
    ) -> None:
        """Who sees the inbox knows that the sign-in worked; saying so would wait for a page that shows messages."""
        if message_template not in ("account/messages/logged_in.txt", "account/messages/logged_out.txt"):
            super().add_message(request, level, message_template, *args, **rest)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        base = company.public_url()
        site = _Site(f"Kith, {company.name()}", urlsplit(base).netloc if base else "")
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def get_reset_password_from_key_url(self, key: str) -> str:
        """By the public address once one is known: a forged Host header must not choose where the link leads."""
        address: str = super().get_reset_password_from_key_url(key)
        base = company.public_url()
        return f"{base}{urlsplit(address).path}" if base else address

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Allauth's own limit lets anybody lock a login out from anywhere."""
        self._login_failed_rl_usage = guesses.consume(request, _login_of(request, credentials))
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        guesses.forget(request, _login_of(request, credentials))

    def post_login(self, request: HttpRequest, user: Any, **rest: Any) -> Any:
        response = super().post_login(request, user, **rest)
        guesses.remember(request, response, _tidy(user.email))
        return response


def _tidy(login: str) -> str:
    return login.strip().lower()


def _login_of(request: HttpRequest, credentials: dict[str, Any]) -> str:
    """What was typed; of who confirms their password, their own."""
    typed = str(credentials.get("email") or credentials.get("username") or "")
    return _tidy(typed or str(getattr(request.user, "email", "")))


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticator apps and seeds of recovery codes are encrypted with the key file."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code or key is not known here, or it was used already."),
    }

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text.encode()).hex()

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(bytes.fromhex(encrypted_text)).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Keys belong to the host of the public address, or of the request while there is none."""
        found: dict[str, str] = super().get_public_key_credential_rp_entity()
        host = urlsplit(company.public_url()).hostname
        return {**found, "id": host or found["id"], "name": "Kith"}
