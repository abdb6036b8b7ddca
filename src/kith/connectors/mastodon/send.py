"""Posts going out, and finding out whether one did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from kith.base import clock
from kith.connectors.answers import clean, moment
from kith.connectors.contract import (
    BadPayload,
    ConnectorError,
    FoundSent,
    Media,
    NotSupported,
    OutcomeUnknown,
    Outgoing,
    OwnIdentity,
    Receipt,
    Refused,
    RetryLater,
)
from kith.connectors.manifest import Limits
from kith.connectors.mastodon.api import Server
from kith.connectors.mastodon.ids import id_of, order, stable
from kith.connectors.mastodon.text import plain
from kith.connectors.words import say

VISIBILITIES = ("public", "unlisted", "private", "direct")
CLOCKS_DIFFER = timedelta(minutes=2)
_URL = re.compile(r"https?://\S+")
_MENTION = re.compile(r"(?<![\w/])@([\w.-]+)@[\w.-]+")
_URL_COUNTS = 23
_PAGES = 5
_PAGE = 40


class Sender:
    def __init__(self, server: Server, own: OwnIdentity | None, limits: Limits) -> None:
        self._server = server
        self._own = own
        self._limits = limits

    def send(self, outgoing: Outgoing) -> Receipt:
        """Raises Refused before anything leaves when it is too long, has too many files, or nobody to go to."""
        text = self.checked(outgoing)
        fields: dict[str, Any] = {"status": text, "visibility": visibility_of(outgoing)}
        if outgoing.in_reply_to:
            fields["in_reply_to_id"] = outgoing.in_reply_to
        fields |= self._common(outgoing)
        uploaded = [self._upload(media) for media in outgoing.media]
        if uploaded:
            fields["media_ids[]"] = uploaded
        key = {"Idempotency-Key": outgoing.idempotency_key}
        return self._receipt(self._server.write("POST", "/api/v1/statuses", headers=key, data=fields))

    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt:
        text = self.checked(outgoing)
        fields: dict[str, Any] = {"status": text, **self._common(outgoing)}
        now = self._server.exists(f"/api/v1/statuses/{external_id}")
        if now is None:
            raise Refused(say("The post is gone."))
        kept = now.get("media_attachments")
        if isinstance(kept, list) and kept:
            # a post that is edited without naming its files loses them
            fields["media_ids[]"] = [id_of(one) for one in kept if isinstance(one, dict)]
        return self._receipt(self._server.write("PUT", f"/api/v1/statuses/{external_id}", data=fields))

    def delete(self, external_id: str) -> None:
        """Gone already is as good; a server that can't delete raises NotSupported."""
        gone = frozenset({404, 405, 410, 501})
        answer = self._server.answer("DELETE", f"/api/v1/statuses/{external_id}", writes=True, passes=gone)
        if answer.status_code in gone and self._server.exists(f"/api/v1/statuses/{external_id}") is not None:
            raise NotSupported(say("This server has no way to delete a post from here."))

    # --- before it leaves ---

    def checked(self, outgoing: Outgoing) -> str:
        """The text with everyone it goes to named in it; raises Refused."""
        text = addressed(outgoing)
        if not text.strip() and not outgoing.media:
            raise Refused(say("There is nothing to post."))
        most = self._most_characters()
        length = length_of(text) + len(outgoing.content_warning)
        if length > most:
            raise Refused(
                say(
                    "The text has {length} characters; {most} is the most. {reason}",
                    length=length,
                    most=most,
                    reason=self._reason("text_length"),
                )
            )
        if len(outgoing.media) > (self._limits.media_count or 4):
            raise Refused(self._reason("media_count"))
        for media in outgoing.media:
            if max(media.size, len(media.content or b"")) > (self._limits.media_bytes or 0):
                raise Refused(self._reason("media_bytes"))
        return text

    def _reason(self, limit: str) -> str:
        return self._limits.reasons.get(limit, "")

    def _most_characters(self) -> int:
        """What our server said when it was connected, or what nearly all take."""
        said = self._own.details.get("max_characters", "") if self._own else ""
        usual = self._limits.text_length or 500
        return int(said) if said.isdigit() else usual

    def _common(self, outgoing: Outgoing) -> dict[str, str]:
        fields: dict[str, str] = {}
        if outgoing.content_warning:
            fields |= {"spoiler_text": outgoing.content_warning, "sensitive": "true"}
        if outgoing.language:
            fields["language"] = outgoing.language
        return fields

    def _upload(self, media: Media) -> str:
        """A file's id over there. A file without a post is seen by nobody, so an upload that fails was nothing."""
        content = media.content
        if content is None and media.path:
            with open(media.path, "rb") as file:
                content = file.read(self._limits.media_bytes or None)
        if content is None:
            raise Refused(say("{file_name} has no content.", file_name=media.file_name))
        files = {"file": (media.file_name, content, media.content_type)}
        try:
            found = self._server.write(
                "POST", "/api/v2/media", files=files, data={"description": media.alt_text}
            )
        except OutcomeUnknown as error:
            raise RetryLater(
                say("{file_name} could not be uploaded: {error}", file_name=media.file_name, error=error)
            ) from None
        try:
            return id_of(found, "the uploaded file")
        except BadPayload as error:
            raise RetryLater(str(error)) from None

    def _receipt(self, status: dict[str, Any]) -> Receipt:
        try:
            external_id = stable(id_of(status, "the new post"))
        except BadPayload as error:
            raise OutcomeUnknown(str(error)) from None
        return Receipt(
            external_id=external_id,
            at=_created(status) or clock.now(),
            url=clean(status.get("url") or status.get("uri"), 2000),
            thread_key=external_id,
            budget=self._server.budget,
        )

    # --- afterwards ---

    def find_sent(self, outgoing: Outgoing, *, account_id: str, since: datetime) -> FoundSent:
        """Looks for our post by its text and what it answers. "not_sent" only where the server would have shown it."""
        try:
            return self._found(outgoing, account_id, since - CLOCKS_DIFFER)
        except ConnectorError:
            return FoundSent("unknown")

    def _found(self, outgoing: Outgoing, account_id: str, since: datetime) -> FoundSent:
        shown = False
        if outgoing.in_reply_to:
            context = self._server.exists(f"/api/v1/statuses/{outgoing.in_reply_to}/context")
            after = context.get("descendants") if context else None
            if isinstance(after, list):
                shown = True
                for status in after:
                    if isinstance(status, dict) and self._is_it(status, outgoing, account_id, since):
                        return FoundSent("sent", self._receipt(status))
        private_seen, whole = False, False
        for status in self._own_posts(account_id, since):
            if status is None:
                whole = True
                break
            private_seen = private_seen or status.get("visibility") in ("private", "direct")
            if self._is_it(status, outgoing, account_id, since):
                return FoundSent("sent", self._receipt(status))
        # some servers leave private posts out of the list, and then their absence says nothing
        listed = whole and (visibility_of(outgoing) in ("public", "unlisted") or private_seen)
        return FoundSent("not_sent") if shown or listed else FoundSent("unknown")

    def _own_posts(self, account_id: str, since: datetime) -> Iterator[dict[str, Any] | None]:
        """Our posts from the newest back to `since`; then None, if the list reached that far."""
        bottom = ""
        for _ in range(_PAGES):
            params = {"limit": str(_PAGE), **({"max_id": bottom} if bottom else {})}
            found = self._server.get_list(f"/api/v1/accounts/{account_id}/statuses", params)
            fresh = [one for one in found if not bottom or order(id_of(one)) < order(bottom)]
            if not fresh:
                yield None
                return
            for status in fresh:
                created = _created(status)
                if created is not None and created < since and not status.get("pinned"):
                    yield None
                    return
                yield status
            bottom = id_of(min(fresh, key=lambda one: order(id_of(one))))

    def _is_it(self, status: dict[str, Any], outgoing: Outgoing, account_id: str, since: datetime) -> bool:
        account = status.get("account")
        if not isinstance(account, dict):
            return False
        own = self._own
        ours = str(account.get("id")) == account_id or (
            own is not None and account.get("uri") == own.external_id
        )
        created = _created(status)
        if not ours or created is None or created < since:
            return False
        said = status.get("in_reply_to_id")
        if outgoing.in_reply_to and stable(str(said or "")) != stable(outgoing.in_reply_to):
            return False
        text = status.get("text")
        if not isinstance(text, str) or not text:
            source = self._server.exists(f"/api/v1/statuses/{id_of(status)}/source")
            text = source.get("text") if source else None
        wanted = _same(addressed(outgoing))
        return wanted == _same(
            text if isinstance(text, str) and text else plain(clean(status.get("content")))
        )


def visibility_of(outgoing: Outgoing) -> str:
    """`extra["visibility"]` where it is one of the network's four; otherwise public, or direct for what is private.

    What is private for us is never widened: a private message with a public visibility raises Refused.
    """
    said = outgoing.extra.get("visibility", "")
    if not said:
        return "public" if outgoing.visibility == "public" else "direct"
    if said not in VISIBILITIES:
        raise Refused(say("{said} is no visibility of this network.", said=repr(said)))
    if outgoing.visibility == "private" and said in ("public", "unlisted"):
        raise Refused(say("A private message can't be posted for everyone to see."))
    return str(said)


def addressed(outgoing: Outgoing) -> str:
    """The text, with the handle of everyone it goes to before it who is not named in it: a mention is the address."""
    text, missing = outgoing.text, []
    for party in outgoing.to:
        handle = party.handle if party.handle.startswith("@") else f"@{party.handle}"
        if len(handle) < 2 or party.is_us or party.role in ("from", "cc"):
            continue
        if not re.search(rf"(?<![\w@]){re.escape(handle)}(?![\w.-]*\w)", text, re.IGNORECASE):
            missing.append(handle)
    if visibility_of(outgoing) == "direct" and not missing and not re.search(r"(?<!\w)@\w", text):
        raise Refused(say("A private mention needs somebody who is mentioned."))
    return " ".join([*dict.fromkeys(missing), text]) if missing else text


def length_of(text: str) -> int:
    """As the network counts: a link is 23 characters, and a mention its name without the server."""
    return len(_MENTION.sub(r"@\1", _URL.sub("x" * _URL_COUNTS, text)))


def _same(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _created(status: dict[str, Any]) -> datetime | None:
    try:
        return moment(status.get("created_at"))
    except ValueError:
        return None
