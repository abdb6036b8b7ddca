"""A server of a few lines for what real ones can't be made to do: lists of a given length, deletions, failures."""

from __future__ import annotations

import re
from typing import Any

from kith.connectors.conformance import Answer, Asked, Fault

BOB: dict[str, Any] = {
    "id": "733",
    "username": "bob",
    "acct": "bob@elsewhere.example",
    "display_name": "Bob",
    "url": "https://elsewhere.example/@bob",
    "uri": "https://elsewhere.example/users/bob",
}
US: dict[str, Any] = {
    "id": "109",
    "username": "shop",
    "acct": "shop",
    "display_name": "The shop",
    "url": "https://social.example/@shop",
    "uri": "https://social.example/users/shop",
}


def status(number: int, **rest: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "created_at": f"2026-03-01T09:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "edited_at": None,
        "in_reply_to_id": None,
        "visibility": "public",
        "uri": f"https://elsewhere.example/users/bob/statuses/{number}",
        "content": f"<p>message {number}</p>",
        "account": BOB,
        "mentions": [],
        "media_attachments": [],
        **rest,
    }


class FakeServer:
    """`mentions` notifications with ids from 8 up, so that some have one digit and some two."""

    def __init__(self, *, mentions: int = 0, newest_first: bool = False) -> None:
        self.newest_first = newest_first
        self.statuses = {str(n): status(n) for n in range(1000, 1000 + mentions)}
        self.notifications = [
            {"id": str(8 + i), "type": "mention", "created_at": s["created_at"], "account": BOB, "status": s}
            for i, s in enumerate(self.statuses.values())
        ]
        self.own: list[dict[str, Any]] = []
        self.conversations: list[dict[str, Any]] = []
        self.contexts: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, Fault | Answer] = {}

    def __call__(self, asked: Asked) -> Answer | Fault:
        for pattern, fault in self.faults.items():
            if re.fullmatch(pattern, f"{asked.method} {asked.path}"):
                return fault
        match asked.path.removeprefix("/api/v1/").split("/"):
            case ["notifications"]:
                return self._listed(asked, self.notifications)
            case ["conversations"]:
                return self._listed(asked, self.conversations)
            case ["accounts", "verify_credentials"]:
                return Answer(US)
            case ["accounts", "109", "statuses"]:
                return self._listed(asked, self.own)
            case ["instance"]:
                return Answer(
                    {"uri": "social.example", "configuration": {"statuses": {"max_characters": 700}}}
                )
            case ["statuses", one, "context"] if one in self.contexts:
                return Answer(self.contexts[one])
            case ["statuses", one] if one in self.statuses and asked.method == "GET":
                return Answer(self.statuses[one])
        return Answer({"error": "Record not found"}, 404)

    def _listed(self, asked: Asked, entries: list[dict[str, Any]]) -> Answer:
        def key(entry: dict[str, Any]) -> int:
            return int((entry.get("last_status") or entry)["id"])

        found = sorted(entries, key=key, reverse=True)
        if "max_id" in asked.query:
            found = [entry for entry in found if key(entry) < int(asked.query["max_id"])]
        limit = int(asked.query.get("limit", 20))
        if "min_id" in asked.query:
            found = [entry for entry in found if key(entry) > int(asked.query["min_id"])]
            if not self.newest_first:
                return Answer(found[-limit:])
        return Answer(found[:limit])
