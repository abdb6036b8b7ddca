"""What a connector is: the code for one network, pure (no Django, no database), called only by `channels`.

A connector is made anew for each use: `Connector(Setup(...))`. It keeps nothing between uses but what its cursor says.
It claims in its manifest exactly the protocols that it implements; the conformance suite compares the two.

Raw bytes come first: `fetch`, `stream` and webhooks hand over `RawItem`s, which the core makes durable before anything
is acknowledged, and only then asks `parse` (in a capped child process) what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import httpx

from kith.connectors.manifest import Manifest

# --- errors, named by what the caller does next -------------------------------------------------------------------


class ConnectorError(Exception):
    """Base; `field` names the setting to blame (a key of the manifest's settings or secrets), if one is."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RetryLater(ConnectorError):
    """Not now. Try again in `after` seconds; nothing was done."""

    def __init__(self, message: str, *, after: float = 60.0, field: str = "") -> None:
        super().__init__(message, field=field)
        self.after = after


class Refused(ConnectorError):
    """The network will never do this, whoever asks again. Show the message."""


class ReconnectNeeded(ConnectorError):
    """Credentials no longer work; a person must connect the channel again."""


class NotSupported(ConnectorError):
    """This network can't do that."""


class BadPayload(ConnectorError):
    """What came can't be understood. The raw bytes are set aside and shown."""


class Forged(ConnectorError):
    """A signature does not hold; nothing in the request is believed."""


class OutcomeUnknown(ConnectorError):
    """The request left us and no answer came back: it may or may not have happened. Never retried blindly."""


# --- what comes in --------------------------------------------------------------------------------------------------

Role = Literal["from", "to", "cc", "bcc", "reply_to", "sender", "mentioned", "member"]
Visibility = Literal["private", "public"]
Verified = Literal["none", "network", "dmarc", "signature", "failed"]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on a network. `external_id` is the stable id (DID, account id, lower-cased address), never a handle.

    `realm` is where that id is unique ("" when it is everywhere; a server's name for numeric account ids).
    `verified` says how we know that it was them: by the network itself, by DMARC, ... "failed" is a likely forgery.
    """

    external_id: str
    handle: str = ""
    display_name: str = ""
    realm: str = ""
    role: Role = "from"
    verified: Verified = "none"
    is_us: bool = False
    automated: bool = False
    profile_url: str = ""
    avatar_url: str = ""
    flags: tuple[str, ...] = ()  # "noindex", "protected"
    network: str = ""  # when it is not the connector's own (an e-mail address typed into a chat)


@dataclass(frozen=True, slots=True)
class Media:
    """A file with a message: its bytes, or a path of the parsing child's folder, or an address to fetch it from."""

    file_name: str
    content_type: str
    size: int = 0
    content: bytes | None = field(default=None, repr=False)
    path: str = ""
    url: str = ""
    content_id: str = ""
    inline: bool = False
    alt_text: str = ""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message or post. `thread_keys` are ranked: the first that is already known decides the thread.

    `text` is plain text, whole; `html` is raw and unsafe. `quote_at` and `signature_at` are offsets in `text` at
    which the quoted part and the signature begin (None: there is none).
    """

    external_id: str
    at: datetime
    parties: tuple[Party, ...]
    text: str
    kind: ClassVar[str] = "message_received"
    thread_keys: tuple[str, ...] = ()
    own_thread_key: str = ""
    in_reply_to: str = ""
    subject: str = ""
    html: str = ""
    language: str = ""
    visibility: Visibility = "private"
    media: tuple[Media, ...] = ()
    outgoing: bool = False
    automatic: Literal["", "auto_reply", "bounce", "list", "notification", "system"] = ""
    spam: bool = False
    bounced: tuple[str, ...] = ()  # addresses that bounced
    bounce_of: str = ""  # external id of our message that bounced
    quote_at: int | None = None
    signature_at: int | None = None
    content_warning: str = ""
    url: str = ""
    authentication: Mapping[str, str] = field(default_factory=dict)  # {"spf": "pass", ...}
    unreadable: str = ""  # why it could not be parsed; `text` then holds what could be saved
    list_id: str = ""
    mention_network: str = ""  # a notification mail about this network, for "answer there"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageEdited:
    external_id: str
    at: datetime
    text: str
    kind: ClassVar[str] = "message_edited"
    html: str = ""


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    external_id: str
    at: datetime
    kind: ClassVar[str] = "message_deleted"


@dataclass(frozen=True, slots=True)
class ReactionReceived:
    external_id: str
    at: datetime
    party: Party
    on: str  # external id of the message
    reaction: str  # "like", "boost" or an emoji
    kind: ClassVar[str] = "reaction_received"


@dataclass(frozen=True, slots=True)
class FollowReceived:
    external_id: str
    at: datetime
    party: Party
    kind: ClassVar[str] = "follow_received"


@dataclass(frozen=True, slots=True)
class ProfileUpdated:
    external_id: str
    at: datetime
    party: Party
    kind: ClassVar[str] = "profile_updated"


@dataclass(frozen=True, slots=True)
class DeliveryChanged:
    external_id: str  # of our message
    at: datetime
    state: Literal["delivered", "read", "failed"]
    reason: str = ""
    kind: ClassVar[str] = "delivery_changed"


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Items may have been missed between two times; the core fetches or shows it."""

    external_id: str
    at: datetime
    reason: str
    kind: ClassVar[str] = "stream_gap"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and of no interest (`what` says which kind)."""

    external_id: str
    at: datetime
    what: str
    kind: ClassVar[str] = "ignored"


Event: TypeAlias = (
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | ReactionReceived
    | FollowReceived
    | ProfileUpdated
    | DeliveryChanged
    | StreamGap
    | Ignored
)


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing as the network sent it. `external_id` makes receiving it twice harmless.

    `meta` is small and JSON (folder, uid, flags, how it came); `cursor`, when set, is the stream's position after it.
    """

    external_id: str
    body: bytes = field(repr=False)
    at: datetime | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the rate limit; None where the network does not say."""

    remaining: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[RawItem, ...]
    cursor: str
    more: bool = False
    budget: Budget = Budget()


# --- what goes out --------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a connector gets: the values of its manifest's settings, its secrets, who we are, and a way out."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    http: HttpFactory = field(repr=False)
    guard: AddressGuard = field(repr=False)
    own: OwnIdentity | None = None
    history_since: datetime | None = None  # how far back the first fetch goes; None: everything


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
class Sends(Protocol):
    def send(self, outgoing: Outgoing) -> Receipt: ...
    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent: ...


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
class Listens(Protocol):
    def search(self, query: str, cursor: str, *, limit: int) -> Page: ...


@runtime_checkable
class Publishes(Protocol):
    def publish(self, outgoing: Outgoing) -> Receipt: ...
    def metrics(self, external_id: str) -> Mapping[str, int]: ...
