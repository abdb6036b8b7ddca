"""All monitors that are on, kept ready in this process: what changed since is read before each batch."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kith.conversations.models import Post
from kith.listening.models import Monitor
from kith.nlp import annotate
from kith.queries import Matcher, QueryError, parse
from kith.queries import Post as Text

log = logging.getLogger(__name__)
Found = tuple[uuid.UUID, uuid.UUID, list[list[int]]]  # post, monitor, where the words stand
NOBODY = uuid.UUID(int=0)


def text_of(post: Post) -> Text:
    """A post as the matcher takes it."""
    return Text(
        id=post.pk,
        text=post.text,
        language=post.language or None,
        network=post.network,
        author=post.author_handle or post.author_external_id,
        published_at=post.published_at.isoformat(),
        place=post.place or None,
    )


def _matcher() -> Matcher:
    """Mood and intent are asked of the fast tier, and only for posts that match otherwise."""
    return Matcher(lambda texts: [(one.sentiment, one.intents) for one in annotate(texts)])


@dataclass
class Ready:
    """The monitors of this process. A version is given out under a lock, so none becomes visible after a higher one."""

    matcher: Matcher = field(default_factory=_matcher)
    version: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        changed = Monitor.objects.filter(version__gt=self.version).order_by("version")
        for monitor in changed.only("pk", "query", "state", "version"):
            self.matcher.remove(monitor.pk)
            if monitor.state == Monitor.State.ON:
                self._add(monitor)
            self.version = monitor.version

    def _add(self, monitor: Monitor) -> None:
        try:
            self.matcher.add(monitor.pk, parse(monitor.query))
        except QueryError:  # of a version that read queries in another way; its page says so
            log.exception("monitor %s can't be read", monitor.pk)

    def match(self, posts: Sequence[Post]) -> list[Found]:
        with self.lock:
            self.refresh()
            return _found(self.matcher, posts)


_ready = Ready()


def match(posts: Sequence[Post]) -> list[Found]:
    """Which monitors find which of these posts, and where."""
    return _ready.match(posts)


def match_one(query: str, posts: Iterable[Post]) -> list[Found]:
    """The same for one query that need not be saved; the monitor's id is nil. Raises QueryError."""
    matcher = _matcher()
    matcher.add(NOBODY, parse(query))
    return _found(matcher, posts)


def forget() -> None:
    """As after a start; for tests, whose databases go."""
    global _ready
    _ready = Ready()


def _found(matcher: Matcher, posts: Iterable[Post]) -> list[Found]:
    rows = list(posts)
    return [
        (rows[index].pk, key, [list(span) for span in spans])
        for index, key, spans in matcher.match([text_of(post) for post in rows])
        if isinstance(key, uuid.UUID)
    ]
