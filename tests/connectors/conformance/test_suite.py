"""The suite itself: connectors that are wrong in one way each, and the test that must say so."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx
import pytest

from kith.base import http
from kith.connectors.conformance import (
    FAULTS,
    Answer,
    Asked,
    ConnectorConformance,
    FolderConformance,
    Kept,
    always,
    serving,
)
from kith.connectors.contract import (
    Asks,
    ConnectorError,
    Event,
    Existence,
    Existences,
    FoundSent,
    Ignored,
    NotSupported,
    Outgoing,
    OwnIdentity,
    Page,
    RawItem,
    Receipt,
    RetryLater,
)
from kith.connectors.scaffold import create_connector


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[ConnectorConformance]]:
    """The suite over a connector that passes it: the one that the scaffold writes."""
    root = tmp_path_factory.mktemp("made")
    create_connector("pigeon_post", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        from pigeon_post.test_conformance import TestPigeonPost  # type: ignore[import-not-found]

        yield TestPigeonPost


def suite_of(good: type[ConnectorConformance], **methods: Any) -> ConnectorConformance:
    """The same with a connector in which some methods are replaced; its files stay where they are."""
    broken = type("Connector", (good.connector,), methods)
    folder = property(lambda self: Path(good().folder))
    return type("Broken", (good,), {"connector": broken, "folder": folder})()  # type: ignore[no-any-return]


def failing(suite: FolderConformance, only: str = "test_") -> set[str]:
    found = set()
    for name in dir(suite):
        if name.startswith(only) and getattr(suite, name) is not None:
            try:
                getattr(suite, name)()
            except (AssertionError, ConnectorError, httpx.HTTPError, ValueError, KeyError):
                found.add(name)
    return found


def test_the_good_one_passes(good: type[ConnectorConformance]) -> None:
    assert failing(suite_of(good)) == set()
    assert set(good.not_applicable) == {
        "test_webhooks_that_are_signed_pass",
        "test_webhooks_that_were_changed_are_forged",
        "test_webhooks_that_are_old_are_forged",
        "test_existence_is_told",
        "test_existence_asks_nothing_inside_our_network",
        "test_trouble_is_no_deletion",
        "test_trouble_midway_is_no_deletion",
    }
    assert all(good.not_applicable.values())


def _existence(self: Any, external_ids: Sequence[str], *, urls: Any = None, gone: Any = (410,)) -> Existences:
    """By each one's page; statuses in `gone` mean that it was deleted, any other but 200 that it is not known."""
    found: dict[str, Existence] = {}
    try:
        with self._setup.http() as client:
            for key in external_ids:
                status = client.get(urls[key]).raise_for_status().status_code if key in urls else 0
                found |= {key: "there"} if status == 200 else {}
    except httpx.HTTPStatusError as error:
        if error.response.status_code in gone:
            return Existences(found | {key: "gone"})
        raise RetryLater("It did not work") from error
    except (http.AddressRefused, httpx.HTTPError) as error:
        if gone == "all":
            return Existences(found | dict.fromkeys(external_ids, "missing"))
        raise RetryLater("It did not work") from error
    return Existences(found)


class _Kept(ConnectorConformance):
    def kept(self, address: str) -> Kept:
        pages: Kept = {"a": ("there", f"{address}/a"), "x": (None, ""), "b": ("gone", f"{address}/b")}
        return pages

    def network(self, asked: Asked) -> Answer:
        return Answer({}, 410 if asked.path == "/b" else 200)


@pytest.mark.parametrize(
    ("gone", "caught"),
    [
        ((410,), set[str]()),
        ((410, 401), {"test_trouble_is_no_deletion"}),
        ((410, 429), {"test_trouble_is_no_deletion"}),
        ((410, 500), {"test_trouble_is_no_deletion"}),
        (
            "all",
            {
                "test_trouble_is_no_deletion",
                "test_trouble_midway_is_no_deletion",
                "test_existence_asks_nothing_inside_our_network",
                "test_existence_is_told",
            },
        ),
    ],
)
def test_trouble_that_is_taken_for_a_deletion_is_caught(
    good: type[ConnectorConformance], gone: Any, caught: set[str]
) -> None:
    methods = {"existence": partialmethod(_existence, gone=gone), "asks": Asks()}
    broken = type("Connector", (good.connector,), methods)
    folder = property(lambda self: Path(good().folder))
    values = {"settings": good.settings, "secrets": good.secrets, "connector": broken, "folder": folder}
    suite = type("Broken", (_Kept,), values)()
    assert failing(suite, "test_trouble") | failing(suite, "test_existence") == caught


def _repeats(self: Any, cursor: str, *, limit: int) -> Page:
    """Forgets where it was."""
    return super(type(self), self).fetch("" if cursor == "2" else cursor, limit=limit)  # type: ignore[no-any-return]


def _skips(self: Any, cursor: str, *, limit: int) -> Page:
    """Hands over the cursor of an item that it does not hand over."""
    page = super(type(self), self).fetch(cursor, limit=limit)
    return Page(page.items[:-1], page.cursor, page.more) if len(page.items) > 1 else page


def _too_many(self: Any, cursor: str, *, limit: int) -> Page:
    return super(type(self), self).fetch(cursor, limit=limit * 3)  # type: ignore[no-any-return]


def _blind_fetch(self: Any, cursor: str, *, limit: int) -> Page:
    try:
        return super(type(self), self).fetch(cursor, limit=limit)  # type: ignore[no-any-return]
    except ConnectorError:
        return Page((), cursor)


def _truncates(self: Any, outgoing: Outgoing) -> Receipt:
    short = Outgoing(outgoing.idempotency_key, outgoing.text[:1000], outgoing.to)
    return super(type(self), self).send(short)  # type: ignore[no-any-return]


def _retries_blindly(self: Any, outgoing: Outgoing) -> Receipt:
    try:
        return super(type(self), self).send(outgoing)  # type: ignore[no-any-return]
    except ConnectorError as error:
        raise RetryLater(str(error), after=37.0) from None


def _never_knows_no(self: Any, outgoing: Outgoing, *, since: Any) -> FoundSent:
    return FoundSent("not_sent")


def _loses_unknown(self: Any, item: RawItem) -> Sequence[Event]:
    found = super(type(self), self).parse(item)
    return [event for event in found if not isinstance(event, Ignored)]


def _escapes(self: Any, item: RawItem) -> Sequence[Event]:
    item.body.decode()
    return super(type(self), self).parse(item)  # type: ignore[no-any-return]


def _logs(self: Any) -> OwnIdentity:
    logging.getLogger("pigeon").info("asking with %s", self._setup.secrets["token"])
    return super(type(self), self).check()  # type: ignore[no-any-return]


def _shows(self: Any) -> str:
    return f"Connector({dict(self._setup.secrets)})"


def _edits(self: Any, external_id: str, outgoing: Outgoing) -> Receipt:
    raise NotSupported("not claimed, and here all the same")


@pytest.mark.parametrize(
    ("methods", "caught"),
    [
        ({"fetch": _repeats}, "test_fetching_twice_repeats_nothing"),
        ({"fetch": _skips}, "test_fetching_twice_repeats_nothing"),
        ({"fetch": _too_many}, "test_fetching_twice_repeats_nothing"),
        ({"fetch": _blind_fetch}, "test_fetch_names_errors"),
        ({"send": _truncates}, "test_text_over_the_limit_is_refused"),
        ({"send": _retries_blindly}, "test_send_names_errors"),
        ({"find_sent": _never_knows_no}, "test_find_sent_is_honest_when_the_server_fails"),
        ({"parse": _loses_unknown}, "test_unknown_kinds_are_ignored"),
        ({"parse": _escapes}, "test_junk_is_a_bad_payload"),
        ({"check": _logs}, "test_check_names_errors"),
        ({"__repr__": _shows}, "test_no_secret_in_a_repr"),
        ({"edit": _edits}, "test_claims_are_what_is_implemented"),
    ],
)
def test_what_is_wrong_is_caught(
    good: type[ConnectorConformance], methods: dict[str, Any], caught: str
) -> None:
    assert failing(suite_of(good), caught) == set()
    assert failing(suite_of(good, **methods), caught) == {caught}


def test_a_folder_that_lacks_something_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_connector("owl_post", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    from owl_post.test_conformance import TestOwlPost  # type: ignore[import-not-found]

    inbound = tmp_path / "owl_post" / "fixtures" / "inbound"
    folder = (FolderConformance,)
    suite = type(
        "Folder", folder, {"connector": TestOwlPost.connector, "unknown_kind": TestOwlPost.unknown_kind}
    )()
    assert failing(suite) == set()
    (tmp_path / "owl_post" / "README.md").write_text("Short.")
    assert failing(suite) == {"test_readme"}
    changed = (inbound / "message.expected.json").read_text().replace("Ada", "Eve")
    (inbound / "message.expected.json").write_text(changed)
    (inbound / "deleted.json").unlink()
    assert failing(suite) == {
        "test_readme",
        "test_fixtures_become_what_is_expected",
        "test_deletions_are_honoured",
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_server_does_what_it_says(fault: Any) -> None:
    with serving(always(fault, {"/fine": {"a": 1}})) as server, httpx.Client(timeout=0.3) as client:
        assert client.get(f"{server.address}/fine").json() == {"a": 1}
        if fault in ("timeout", "dropped"):
            with pytest.raises(httpx.TransportError):
                client.get(f"{server.address}/bad")
            return
        answer = client.get(f"{server.address}/bad")
        status = {"unauthorized": 401, "rate_limited": 429, "server_error": 500}.get(fault, 200)
        assert answer.status_code == status
        if status == 200:
            with pytest.raises(ValueError, match=r"char|Expecting"):
                answer.json()


def test_the_server_remembers_what_it_was_asked() -> None:
    def respond(asked: Asked) -> Answer:
        return Answer({"ok": True})

    made: AbstractContextManager[Any] = serving(respond)
    with made as server:
        httpx.post(f"{server.address}/a?b=c", content=b"body", headers={"X-One": "1"})
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/a", {"b": "c"}, b"body")
    assert asked.headers["x-one"] == "1"
