"""What goes out, what a connector is given, and the protocols it may claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from kith.connectors.contract.incoming import Budget, Event, Media, Page, Party, RawItem, Visibility
from kith.connectors.manifest import Manifest

if TYPE_CHECKING:  # three quarters of what the parsing child takes to start, and it reaches no network
    import httpx


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send. `idempotency_key` is ours, stable over every try; mail uses it in the Message-ID."""

    idempotency_key: str
    text: str
    to: tuple[Party, ...]
    subject: str = ""
    html: str = ""
    in_reply_to: str = ""  # external id
    references: tuple[str, ...] = ()  # external ids, oldest first
    thread_key: str = ""
    visibility: Visibility = "private"
    media: tuple[Media, ...] = ()
    content_warning: str = ""
    language: str = ""
    from_name: str = ""
    automatic: bool = False  # marks an automatic acknowledgement as such (Auto-Submitted)
    unsubscribe_url: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    external_id: str
    at: datetime
    url: str = ""
    thread_key: str = ""
    budget: Budget = Budget()
    raw: bytes = field(default=b"", repr=False)


SentState: TypeAlias = Literal["sent", "not_sent", "unknown"]


@dataclass(frozen=True, slots=True)
class FoundSent:
    """What `find_sent` saw. Only "not_sent" allows another try."""

    state: SentState
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """Who we are on that network, after really connecting."""

    external_id: str
    handle: str
    display_name: str = ""
    realm: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    method: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class DeletionAsked:
    """Somebody has the network tell us to delete what we have of them. `realm`: "" or that of the ids."""

    external_id: str
    issued_at: datetime  # by the network's clock; the same request sent again has the same
    realm: str = ""


class HttpFactory(Protocol):
    """Makes a guarded client (`kith.base.http.client` with the operator's allowed networks bound)."""

    def __call__(
        self, *, headers: dict[str, str] | None = None, follow_redirects: bool = False
    ) -> httpx.Client: ...


class AddressGuard(Protocol):
    """Opens nothing: says whether a host and port may be connected to (for protocols that are not HTTP).

    Returns the checked addresses, in order, to connect to instead of the name; raises `Refused`.
    """

    def __call__(self, host: str, port: int) -> list[str]: ...


def _nobody_waits(sentence: str) -> None:
    """Nobody waits to be told."""


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a connector gets: the values of its manifest's settings, its secrets, who we are, and a way out.

    `tell`: says what is done next (`say`), for a person who waits while `check` runs; what it raises is to be let through.
    """

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    http: HttpFactory = field(repr=False)
    guard: AddressGuard = field(repr=False)
    own: OwnIdentity | None = None
    history_since: datetime | None = None  # how far back the first fetch goes; None: everything
    tell: Callable[[str], None] = field(default=_nobody_waits, repr=False)


Existence: TypeAlias = Literal["there", "missing", "gone"]


@dataclass(frozen=True, slots=True)
class Existences:
    """What became of messages, by external id. "gone": the network says that it was deleted; "missing": it does not show it,
    which may have other reasons, and counts only when it is said for days. What is left out is not known."""

    found: Mapping[str, Existence]
    budget: Budget = Budget()


@dataclass(frozen=True, slots=True)
class Asks:
    """How much a network may be asked whether messages are still there: `days`, what came since then (0: all that is kept);
    so many `at_once`, in one call, and `an_hour` for one account."""

    days: int = 0
    at_once: int = 50
    an_hour: int = 1000


class Connector(Protocol):
    manifest: ClassVar[Manifest]

    def __init__(self, setup: Setup) -> None: ...
    def check(self) -> OwnIdentity: ...
    def parse(self, item: RawItem) -> Sequence[Event]: ...


@runtime_checkable
class Authorizes(Protocol):
    def authorize_url(self, *, redirect_uri: str, state: str) -> str: ...
    def exchange(self, *, code: str, redirect_uri: str) -> Mapping[str, str]:
        """New secrets, to be committed before use."""

    def refresh(self) -> Mapping[str, str]: ...


@runtime_checkable
class Registers(Protocol):
    """Beside Authorizes, where every server wants to know us before it lets anyone log in; no capability of its own."""

    def register(self, *, redirect_uri: str) -> Mapping[str, str]:
        """New secrets (client_id, client_secret), to be committed before `authorize_url` is called with them."""


@runtime_checkable
class Polls(Protocol):
    def fetch(self, cursor: str, *, limit: int) -> Page:
        """Items after `cursor` ("" the first time), at most `limit`; `Page.more` asks to be called at once again."""


@runtime_checkable
class Waits(Protocol):
    def wait(self, cursor: str, *, until: datetime) -> bool:
        """Block until something new may be there (True) or `until` (False)."""


@runtime_checkable
class Streams(Protocol):
    def stream(self, cursor: str) -> Iterator[RawItem]:
        """Items as they come, each with its cursor; ends when the connection does, raising a named error."""


@runtime_checkable
class ReceivesWebhooks(Protocol):
    def challenge(self, request: WebhookRequest) -> WebhookAnswer | None:
        """The answer to the network's own check of the address, or None when the request is not such a check."""

    def verify(self, request: WebhookRequest, *, now: datetime) -> None:
        """Raise `Forged` unless the signature over the bytes holds and is fresh."""

    def items(self, request: WebhookRequest) -> Sequence[RawItem]:
        """Called only after `verify`."""


@runtime_checkable
class AnswersDeletionRequests(Protocol):
    """Where a network passes on that somebody wants their data deleted, and asks where they see what became of it."""

    def deletion_asked(self, request: WebhookRequest, *, now: datetime) -> DeletionAsked:
        """Who asks. Raises `Forged` unless the signature over the bytes holds and is fresh, else `BadPayload`."""

    def deletion_answer(self, *, url: str, code: str) -> WebhookAnswer:
        """What the network wants to hear: the page of the request, and its code (letters and digits)."""


@runtime_checkable
class Sends(Protocol):
    def send(self, outgoing: Outgoing) -> Receipt: ...
    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent: ...


@runtime_checkable
class Finds(Protocol):
    def find(self, handle: str) -> Party:
        """Who goes by a handle that somebody typed, role "to"; raises `Refused` (field "to") when nobody does."""


@runtime_checkable
class NamesAhead(Protocol):
    def external_id_for(self, outgoing: Outgoing) -> str:
        """The id that a message will have, known before it is sent, so that an answer that overtakes us finds it."""


@runtime_checkable
class Edits(Protocol):
    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt: ...


@runtime_checkable
class Deletes(Protocol):
    def delete(self, external_id: str) -> None: ...


@runtime_checkable
class ChecksExistence(Protocol):
    """Where the network tells nobody of deletions, or not of all; no capability of its own."""

    asks: ClassVar[Asks]

    def existence(self, external_ids: Sequence[str], *, urls: Mapping[str, str] | None = None) -> Existences:
        """What became of messages of others that were received once; asks as little as it can, and raises the named errors.

        `urls`: the pages on which people read them, by external id, where they are known. Trouble is no deletion: where the
        network does not answer, or refuses, or is somebody else's, an error is raised or nothing is said.
        """


@runtime_checkable
class Listens(Protocol):
    def search(self, query: str, cursor: str, *, limit: int) -> Page: ...


@runtime_checkable
class Publishes(Protocol):
    def publish(self, outgoing: Outgoing) -> Receipt: ...
    def metrics(self, external_id: str) -> Mapping[str, int]: ...
