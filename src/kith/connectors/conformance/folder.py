"""What lies in a connector's folder: manifest, README, fixtures; and what `parse` makes of bytes."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from kith.connectors import contract
from kith.connectors.conformance.base import SuiteBase, applies, check, outcome, same
from kith.connectors.conformance.samples import events_as_json, expected_path, fixtures, raw_item
from kith.connectors.contract import BadPayload, Ignored, RawItem
from kith.connectors.manifest import Limits, load

PROTOCOLS: dict[str, type[Any]] = {
    "authorizes": contract.Authorizes,
    "polls": contract.Polls,
    "waits": contract.Waits,
    "streams": contract.Streams,
    "webhooks": contract.ReceivesWebhooks,
    "sends": contract.Sends,
    "finds": contract.Finds,
    "edits": contract.Edits,
    "deletes": contract.Deletes,
    "listens": contract.Listens,
    "publishes": contract.Publishes,
    "deletion_requests": contract.AnswersDeletionRequests,
}

JUNK: tuple[bytes, ...] = (
    b"",
    b"\x00\xff\xfe\x80",
    b"<!doctype html><title>502 Bad Gateway</title>",
    b'{"id": "1", "text": "cut o',
    b"null",
    b"17",
    b'"text"',
    b"[]",
    b"[" * 100_000,
    b'{"id": {"id": {"id": []}}, "status": 5, "account": "x", "text": {}, "at": "yesterday"}',
    b'{"at": "2026-01-01T00:00:00+99:99", "created_at": 1e400}',
    b'{"text": "\\ud800"}',
)

#: limits whose value restricts people, and so must say why
_FREE = Limits()


class FolderConformance(SuiteBase):
    #: bytes (or an item) of a kind that the connector does not know; it must become Ignored
    unknown_kind: ClassVar[bytes | RawItem | None] = None
    #: why there are no kinds (every mail is a message), if there are none
    one_kind: ClassVar[str] = ""
    #: for mail: whatever comes becomes a visible message, so nothing is a bad payload
    anything_parses: ClassVar[bool] = False
    #: why nothing inbound can tell of a deletion, if nothing can
    no_deletions: ClassVar[str] = ""

    def test_claims_are_what_is_implemented(self) -> None:
        made = self.make()
        implemented = {name for name, protocol in PROTOCOLS.items() if isinstance(made, protocol)}
        same(
            implemented, set(self.manifest.capabilities), "the manifest's capabilities and the methods differ"
        )

    def test_manifest(self) -> None:
        manifest = load(self.folder / "manifest.toml")
        same(manifest, self.manifest, "the class's manifest is not the folder's")
        for name in ("title", "icon", "summary"):
            check(getattr(manifest, name).strip(), f"the manifest has no {name}")
        check(
            manifest.icon == manifest.icon.lower() and " " not in manifest.icon,
            "icon: a Lucide name is kebab-case",
        )
        for name in ("text_length", "reply_window_hours", "retention_days", "media_count", "media_bytes"):
            if getattr(manifest.limits, name) is not None:
                check(manifest.limits.reasons.get(name), f"limits.{name} has no reason in [limits.reasons]")
        flags = (
            "may_start_conversation",
            "private_messages",
            "may_link_identity",
            "may_infer",
            "automatic_reply",
            "supports_attachments",
        )
        for name in flags:
            if getattr(manifest.limits, name) != getattr(_FREE, name):
                check(manifest.limits.reasons.get(name), f"limits.{name} has no reason in [limits.reasons]")
        known = {item for item in Limits.__dataclass_fields__ if item != "reasons"}
        same(set(manifest.limits.reasons) - known, set(), "[limits.reasons] names limits that do not exist")
        names = [item.name for item in manifest.fields]
        same(len(names), len(set(names)), "two fields have one name")
        for item in manifest.fields:
            check(item.label.strip(), f"the field {item.name} has no label")
            if item.kind == "choice":
                check(item.choices, f"the field {item.name} is a choice without choices")
            if item.kind == "password":
                check(item.secret, f"the field {item.name} is a password and not secret")

    def test_readme(self) -> None:
        readme = self.folder / "README.md"
        check(readme.is_file(), "README.md is missing: it is shown when somebody connects the channel")
        check(len(readme.read_text(encoding="utf-8").split()) >= 40, "README.md says too little")

    def test_fixtures_become_what_is_expected(self) -> None:
        found = fixtures(self.folder)
        check(found, "fixtures/inbound is empty")
        made = self.make()
        for fixture in found:
            beside = expected_path(fixture)
            check(beside.is_file(), f"{beside.name} is missing beside {fixture.name}")
            said = json.loads(beside.read_text(encoding="utf-8"))
            same(
                events_as_json(made.parse(raw_item(fixture))),
                said["events"],
                f"{fixture.name} became other events",
            )

    def test_parse_is_repeatable(self) -> None:
        made = self.make()
        for fixture in fixtures(self.folder):
            item = raw_item(fixture)
            same(
                list(made.parse(item)),
                list(self.make().parse(item)),
                f"{fixture.name} parses differently twice",
            )

    @applies(unless="no_deletions")
    def test_deletions_are_honoured(self) -> None:
        kinds = {
            event.kind for fixture in fixtures(self.folder) for event in self.make().parse(raw_item(fixture))
        }
        check(
            "message_deleted" in kinds,
            "no fixture becomes a MessageDeleted; say `no_deletions = why` if none can",
        )

    @applies(unless="one_kind")
    def test_unknown_kinds_are_ignored(self) -> None:
        given = self.unknown_kind
        if given is None:
            raise AssertionError("give `unknown_kind`, or say `one_kind = why` if every item is of one kind")
        item = given if isinstance(given, RawItem) else RawItem("unknown:1", given)
        events = list(self.make().parse(item))
        check(events and all(isinstance(event, Ignored) for event in events), f"not Ignored: {events}")
        check(all(event.what for event in events if isinstance(event, Ignored)), "Ignored does not say what")

    def test_junk_is_a_bad_payload(self) -> None:
        made = self.make()
        for junk in JUNK:
            events, error = outcome(made.parse, RawItem("junk:1", junk))
            what = f"parse({junk[:60]!r})"
            if self.anything_parses:
                check(
                    error is None and events,
                    f"{what}: everything must become something visible, got {error!r}",
                )
            elif error is None:
                check(all(isinstance(event, Ignored) for event in events), f"{what} became {events}")
            else:
                self.is_named(error, (BadPayload,), what)

    def test_cut_off_fixtures_never_escape(self) -> None:
        """Every fixture, cut at many places: named errors only."""
        made = self.make()
        for fixture in fixtures(self.folder):
            item = raw_item(fixture)
            for cut in range(0, len(item.body), max(1, len(item.body) // 60)):
                part = RawItem(item.external_id, item.body[:cut], item.at, item.meta)
                _, error = outcome(made.parse, part)
                if error is not None:
                    self.is_named(error, (BadPayload,), f"{fixture.name} cut after {cut} bytes")
