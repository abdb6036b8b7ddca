"""Conversations and messages."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, Field

from kith.api.schemas.common import Moment, PageQuery, Taken, tidy
from kith.base.text import clean

Status = Literal["open", "snoozed", "closed"]
Label = Literal[
    "person", "churn", "complaint", "urgent", "offensive", "purchase", "suggestion", "praise", "negative", "positive",
    "question", "thanks", "unsure",
]  # fmt: skip
Sentiment = Literal["negative", "neutral", "positive"]
Emotion = Literal["anger", "joy", "optimism", "sadness", "fear", "surprise", "none"]
Intent = Literal[
    "complaint", "question", "praise", "purchase", "churn", "suggestion", "thanks", "person", "other"
]


class ConversationOut(Schema):
    """`snippet` and `subject` are those of what the token's user may see. `tray` "": the inbox, else why it is held."""

    id: uuid.UUID
    status: Status
    subject: str
    snippet: str
    networks: list[str]
    is_public: bool
    tray: str
    assignee_id: uuid.UUID | None
    team_id: uuid.UUID | None
    priority: int
    identity_id: uuid.UUID | None
    person_id: uuid.UUID | None
    message_count: int
    last_at: datetime
    last_direction: str
    waiting_since: datetime | None
    snoozed_until: datetime | None
    tags: list[str]
    labels: list[str] = Field(
        description="Of what waits for an answer, or was said last, the most helpful first."
    )


class ConversationQuery(PageQuery):
    status: Status | None = None
    assignee: Literal["", "me", "none"] | uuid.UUID = Field(
        default="", description="A colleague's id, `me`, or `none`."
    )
    team_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    network: Annotated[str, AfterValidator(clean), Field(max_length=40)] = ""
    tag: Annotated[str, AfterValidator(tidy), Field(max_length=60)] = ""
    label: Label | None = Field(default=None, description="What people say: `complaint`, say.")
    held: bool = Field(default=False, description="The held tray in place of the inbox.")


class AssignIn(Taken):
    """Only what is named is changed; null takes it away."""

    assignee_id: uuid.UUID | None = None
    team_id: uuid.UUID | None = None


class SnoozeIn(Taken):
    until: Moment


class TagsIn(Taken):
    add: list[Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=20
    )
    remove: list[Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=60)]] = Field(
        default_factory=list, max_length=20
    )


class NoteIn(Taken):
    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=20_000, pattern=r"\S")]


class ReplyIn(Taken):
    """`message_id`: which message is answered (the last one received, otherwise).

    `by_mail_from`: answer a chat's visitor by mail from this channel, at the address that they typed. Nothing is linked.
    `seen_message_id`: the newest message that you knew when you wrote; whatever came after it is a clash (409). Without
    it, a colleague's answer after the message that you answer is one. `confirm`: the `key` of the clash that you have read.
    """

    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100_000, pattern=r"\S")]
    subject: Annotated[str, AfterValidator(tidy), Field(max_length=500)] = ""
    message_id: uuid.UUID | None = None
    by_mail_from: uuid.UUID | None = None
    seen_message_id: uuid.UUID | None = None
    confirm: Annotated[str, Field(max_length=40)] = ""
    send_at: Moment | None = None


class SendIn(Taken):
    """A message to somebody who is known by an identity, from one of our channels.

    `visibility` must be `public` on a network that has no private messages: everybody can read it there.
    """

    channel_id: uuid.UUID
    identity_ids: list[uuid.UUID] = Field(min_length=1, max_length=20)
    text: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=100_000, pattern=r"\S")]
    subject: Annotated[str, AfterValidator(tidy), Field(max_length=500)] = ""
    visibility: Literal["private", "public"] = "private"
    send_at: Moment | None = None


class VerdictOut(Schema):
    """What the gate said, and why."""

    outcome: Literal["allow", "hold", "deny"]
    rule: str
    sentence: str
    until: datetime | None


class SentOut(Schema):
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    state: str
    verdict: VerdictOut


class AttachmentOut(Schema):
    id: uuid.UUID
    file_name: str
    content_type: str
    size: int


class AspectOut(Schema):
    aspect: str
    sentiment: Sentiment


class NamedOut(Schema):
    """A product of ours, a competitor or a place, and the words that name it."""

    id: uuid.UUID
    kind: str
    name: str
    text: str


class ReadingOut(Schema):
    """What was read in a message. `labels` are those that count, the most helpful first; `corrected` names the fields that a
    person said, whose values stand in place of the model's; `cut`: only the beginning and the end were read."""

    language: str
    sentiment: str
    sentiment_scores: dict[str, float]
    emotion: str
    emotion_scores: dict[str, float]
    offensive: float
    intents: list[str]
    intent_scores: dict[str, float]
    aspects: list[AspectOut]
    urgency: float
    entities: list[NamedOut]
    labels: list[Label]
    corrected: list[str]
    cut: bool
    tier: str
    model: str
    read_at: datetime


class ReadingIn(Taken):
    """What the labels of a message should be; only what is named is corrected."""

    sentiment: Sentiment | None = None
    emotion: Emotion | None = None
    intents: Annotated[list[Intent], Field(max_length=9)] | None = None
    urgent: bool | None = None
    offensive: bool | None = None


class MessageOut(Schema):
    id: uuid.UUID
    conversation_id: uuid.UUID | None
    network: str
    direction: str
    state: str
    at: datetime
    sender_id: uuid.UUID | None
    author_id: uuid.UUID | None
    subject: str
    text: str
    visibility: str
    automatic: str
    unreadable: str
    language: str
    url: str
    edited_at: datetime | None
    deleted_upstream_at: datetime | None
    attachments: list[AttachmentOut]
    reading: ReadingOut | None = Field(description="Null: not read, as notes and automatic mail never are.")
