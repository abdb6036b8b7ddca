"""What the live process asks the database: whose a session is, what they see, which threads changed. All synchronous."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import close_old_connections, connection
from django.http import HttpRequest

from kith.channels import visitors
from kith.core import company
from kith.core.live import here_note
from kith.teams.models import User
from kith.teams.selectors import viewer_of


@dataclass(frozen=True, slots=True)
class Known:
    """A session's user and the scopes they see."""

    user_id: str
    scopes: frozenset[str]


def session_known(session_key: str) -> Known | None:
    """Who a session is, or None once it has ended, its password has changed, or its user has left."""
    close_old_connections()
    if not session_key or len(session_key) > 40:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key)
    if not request.session.load():
        return None
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    here_note(user.pk)
    return Known(str(user.pk), frozenset(str(s) for s in viewer_of(user).scope_ids))


@dataclass(frozen=True, slots=True)
class KnownVisitor:
    thread_key: str
    origins: frozenset[str]


def visitor_known(account_id: str, key: str) -> KnownVisitor | None:
    """The thread of a visitor's browser and the origins that may show its chat; None for a key that never wrote."""
    close_old_connections()
    account = visitors.account_of(account_id)
    if account is None:
        return None
    visitor = visitors.visitor_of(account, key)
    if visitor is None:
        return None
    return KnownVisitor(visitors.thread_key(visitor), visitors.origins_of(account))


def origins_for(account_id: str) -> frozenset[str]:
    close_old_connections()
    account = visitors.account_of(account_id)
    return visitors.origins_of(account) if account else frozenset()


def threads_touched(conversation_ids: list[str], keys: list[str]) -> set[str]:
    """Which of the thread keys belong to one of the conversations."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.key FROM conversations_threadkey k JOIN conversations_thread t ON t.id = k.thread_id "
            "WHERE t.conversation_id = ANY (%s::uuid[]) AND k.key = ANY (%s)",
            [conversation_ids, keys],
        )
        return {row[0] for row in cursor.fetchall()}


def public_origin() -> str:
    """Our own public origin, as the settings or the browser say; "" when there is none yet."""
    close_old_connections()
    parts = urlsplit(company.public_url())
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
