"""A connector whose only work is to be horrible, in a way that a setting chooses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from kith.connectors.contract import (
    BadPayload,
    Event,
    FoundSent,
    Ignored,
    Outgoing,
    OwnIdentity,
    Page,
    RawItem,
    Receipt,
    Setup,
    WebhookAnswer,
    WebhookRequest,
)
from kith.connectors.hostile import harm
from kith.connectors.manifest import Manifest, of


class Connector:
    manifest: ClassVar[Manifest] = of(__file__)

    def __init__(self, setup: Setup) -> None:
        self._mode = setup.settings.get("mode", "") or "well behaved"
        self._where = {name.strip() for name in setup.settings.get("where", "").split(",") if name.strip()}
        self._count = int(setup.settings.get("count", "") or "3")
        self._token = setup.secrets.get("token", "")

    def __repr__(self) -> str:
        return f"Connector(mode={self._mode!r})"

    def _harms(self, call: str) -> str:
        """The mode, if it applies to this call; then what never returns, does not."""
        if self._where and call not in self._where:
            return "well behaved"
        match self._mode:
            case "raises":
                harm.raise_something(call, self._token)
            case "raises base":
                harm.raise_base(call)
            case "hangs" | "exits" | "killed":
                harm.leave_the_process(self._mode)
            case "memory":
                harm.swallow_memory()
            case "leaks secrets" if call != "parse":
                raise ValueError(f"GET /?token={self._token} failed")
        return self._mode

    def check(self) -> OwnIdentity:
        if self._harms("check") == "wrong types":
            return harm.wrong_types("check")  # type: ignore[no-any-return]
        return OwnIdentity("hostile", "@hostile")

    def fetch(self, cursor: str, *, limit: int) -> Page:
        mode = self._harms("fetch")
        place = int(cursor) if cursor.isdigit() else 0
        if mode == "wrong types":
            return harm.wrong_types("fetch")  # type: ignore[no-any-return]
        if mode == "endless pages":
            return Page(tuple(harm.item(place + i) for i in range(limit)), str(place + limit), more=True)
        if mode == "bad cursor":
            return Page((harm.item(place),), "\x00\ud800" + "c" * harm.HUGE, more=True)
        if mode == "too many items":
            return Page(tuple(harm.item(i) for i in range(limit * 100)), "done")
        if mode == "deep json":
            return Page((RawItem("hostile:0", harm.deep_json(), at=harm.AT),), "1")
        if mode == "gigantic item":
            return Page((harm.item(0, text="g" * harm.HUGE * 6),), "1")
        if mode == "same id":
            body = json.dumps({"number": place, "content": place}).encode()
            return Page((RawItem("hostile:0", body, at=harm.AT),), str(place + 1), more=place < self._count)
        end = min(place + max(1, limit), self._count)
        return Page(
            tuple(harm.item(number) for number in range(place, end)), str(end), more=end < self._count
        )

    def wait(self, cursor: str, *, until: datetime) -> bool:
        if self._harms("wait") == "wrong types":
            return harm.wrong_types("wait")  # type: ignore[no-any-return]
        return True

    def stream(self, cursor: str) -> Iterator[RawItem]:
        mode = self._harms("stream")
        place = int(cursor) if cursor.isdigit() else 0
        numbers = itertools.count(place) if mode == "endless stream" else range(place, self._count)
        for number in numbers:
            found = harm.item(number)
            yield RawItem(found.external_id, found.body, found.at, found.meta, cursor=str(number + 1))

    def challenge(self, request: WebhookRequest) -> WebhookAnswer | None:
        if self._harms("challenge") == "wrong types":
            return harm.wrong_types("challenge")  # type: ignore[no-any-return]
        return None

    def verify(self, request: WebhookRequest, *, now: datetime) -> None:
        self._harms("verify")

    def items(self, request: WebhookRequest) -> Sequence[RawItem]:
        if self._harms("items") == "wrong types":
            return harm.wrong_types("items")  # type: ignore[no-any-return]
        return [RawItem("hostile:0", request.body, at=harm.AT)]

    def parse(self, item: RawItem) -> Sequence[Event]:
        mode = self._harms("parse")
        if mode == "wrong types":
            return harm.wrong_types("parse")  # type: ignore[no-any-return]
        if mode == "deep json":
            json.loads(item.body)
        try:
            body: Any = json.loads(item.body)
            number = body["number"]
            return harm.events(mode, int(number), self._token)
        except (ValueError, RecursionError, TypeError, OverflowError) as error:
            raise BadPayload(f"not one of mine: {type(error).__name__}") from None
        except KeyError:
            return [Ignored(item.external_id, item.at or harm.AT, "no number")]

    def send(self, outgoing: Outgoing) -> Receipt:
        if self._harms("send") == "wrong types":
            return harm.wrong_types("send")  # type: ignore[no-any-return]
        return Receipt(f"sent:{outgoing.idempotency_key}", harm.AT)

    def find_sent(self, outgoing: Outgoing, *, since: datetime) -> FoundSent:
        mode = self._harms("find_sent")
        if mode == "wrong types":
            return harm.wrong_types("find_sent")  # type: ignore[no-any-return]
        if mode == "lies about sending":
            return FoundSent("maybe")  # type: ignore[arg-type]
        return FoundSent("unknown")

    def edit(self, external_id: str, outgoing: Outgoing) -> Receipt:
        if self._harms("edit") == "wrong types":
            return harm.wrong_types("edit")  # type: ignore[no-any-return]
        return Receipt(external_id, harm.AT)

    def delete(self, external_id: str) -> None:
        self._harms("delete")
