"""One proposed touch with its facts as a line of JSON, and the decision as another. For `kith decide`."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, get_args

from kith.policy import types as t
from kith.policy.decide import decide
from kith.policy.pacing import zone

LINE_LIMIT = 2_000_000
_ORIGINS, _ABOUT = get_args(t.Origin), get_args(t.About)
_EVIDENCE, _CASES = get_args(t.Evidence), (None, *get_args(t.Case))
_KINDS, _CHANNELS = frozenset(t.KINDS), frozenset(t.CHANNELS)
Json = dict[str, Any]


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


class LineError(ValueError):
    """Why a line can't be decided, naming the field."""


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """An object whose keys are said once: of two, a program that reads the line elsewhere may take the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise LineError(f"{twice[:60]!r} stands twice in one object")
    return found


_JSON = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_once)


def decide_line(line: bytes | str, rules: t.Rules, *, clock: Callable[[], datetime]) -> tuple[Json, bool]:
    """The answer to one line, and whether the line could be read; one that could not is denied, with the reason."""
    name: Any = None
    try:
        if len(line) > LINE_LIMIT:
            raise LineError(f"the line is longer than {LINE_LIMIT} bytes")
        try:
            text = (line if isinstance(line, str) else line.decode()).removeprefix("\ufeff")
            given = _JSON.decode(text)
        except LineError:
            name = _id_of(text)
            raise
        except (ValueError, RecursionError) as error:
            raise LineError(f"this is not JSON ({type(error).__name__})") from error
        if not isinstance(given, dict):
            raise LineError("a line must be a JSON object")
        name = given.get("id")
        at = _time(given["now"], "now") if given.get("now") else clock()
        decided = decide(_touch(_table(given, "touch")), _facts(_table(given, "contact")), rules, at)
    except LineError as error:
        decided = t.Decision("deny", "invalid", {"problem": str(error)})
    return {
        "id": name,
        "decision": decided.outcome,
        "rule": decided.rule,
        "reason": decided.reason,
        "until": decided.until.isoformat() if decided.until else None,
    }, decided.rule != "invalid"


def _id_of(text: str) -> Any:
    """The id of a line with a fault, for its answer; None where it has none."""
    with suppress(ValueError, RecursionError, AttributeError):
        return json.loads(text).get("id")
    return None


def _table(given: Json, key: str) -> Json:
    found = given.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise LineError(f"{key} must be an object")
    return found


def _touch(given: Json) -> t.ProposedTouch:
    kind, channel = given.get("kind"), given.get("channel") or "none"
    if not isinstance(kind, str) or kind not in _KINDS:
        raise LineError(f"touch.kind must be one of {', '.join(t.KINDS)}")
    if not isinstance(channel, str) or channel not in _CHANNELS:
        raise LineError(f"touch.channel must be one of {', '.join(t.CHANNELS)}")
    actor: Any = given.get("actor") or "automation"
    if actor not in ("person", "automation"):
        raise LineError("touch.actor must be person or automation")
    network = given.get("network")
    return t.ProposedTouch(
        kind=kind,
        channel=channel,
        actor=actor,
        purpose=_text(given, "purpose"),
        division=_text(given, "division"),
        name_used=_text(given, "name_used").strip(),
        urgent=_flag(given, "urgent"),
        based_on=tuple(_use(used) for used in _list(given, "based_on")),
        text_length=_count(given, "text_length") or 0,
        answers_inbound=_flag(given, "answers_inbound"),
        concludes=_text(given, "concludes"),
        network=_network(network) if network else _NO_NETWORK,
    )


_NO_NETWORK = t.NetworkRules()


def _network(given: Any) -> t.NetworkRules:
    if not isinstance(given, dict):
        raise LineError("touch.network must be an object")
    known = t.NetworkRules.__dataclass_fields__
    for key, value in given.items():
        if key not in known:
            raise LineError(f"touch.network knows no {key}; it knows {', '.join(known)}")
        good = (
            (str,)
            if key == "title"
            else (int, type(None))
            if "_" in key and not key.startswith("may")
            else (bool,)
        )
        good = (bool,) if key == "automatic_reply" else good
        if not isinstance(value, good) or (isinstance(value, bool) and bool not in good):
            raise LineError(f"touch.network.{key} is not of the right kind")
    return t.NetworkRules(**given)


def _use(given: Any) -> t.FactUse:
    if not isinstance(given, dict):
        raise LineError("touch.based_on must be a list of objects")
    origin: Any = given.get("origin") or "inferred"
    about: Any = given.get("about") or "unknown"
    if origin not in _ORIGINS:
        raise LineError(f"touch.based_on.origin must be one of {', '.join(_ORIGINS)}")
    if about not in _ABOUT:
        raise LineError(f"touch.based_on.about must be one of {', '.join(_ABOUT)}")
    return t.FactUse(
        _text(given, "attribute"), origin, about, _flag(given, "deleted_upstream"), _words(given, "purposes")
    )


def _facts(given: Json) -> t.ContactFacts:
    time_zone, case = _text(given, "time_zone"), given.get("open_case")
    if time_zone and zone(time_zone) is None:
        raise LineError(f"contact.time_zone: {time_zone[:60]!r} is no IANA time zone")
    if case not in _CASES:
        raise LineError("contact.open_case must be null, normal or angry")
    evidence: Any = given.get("identity_evidence") or "none"
    if evidence not in _EVIDENCE:
        raise LineError(f"contact.identity_evidence must be one of {', '.join(_EVIDENCE)}")
    consents: set[tuple[str, str]] = set()
    withdrawn: set[tuple[str, str]] = set()
    for row in _list(given, "consents"):
        if not isinstance(row, dict) or row.get("status") not in ("given", "withdrawn"):
            raise LineError(
                "contact.consents must be a list of {channel, purpose, status: given or withdrawn}"
            )
        pair = (_text(row, "channel").casefold(), _text(row, "purpose"))
        (consents if row["status"] == "given" else withdrawn).add(pair)
    inbound, paused = given.get("last_inbound_at"), given.get("paused_until")
    return t.ContactFacts(
        time_zone=time_zone,
        preferred_name=_text(given, "preferred_name").strip(),
        name_confidence=_confidence(given.get("name_confidence")),
        consents=frozenset(consents),
        withdrawn=frozenset(withdrawn),
        unsubscribed=_known(given, "unsubscribed"),
        suppressed=_known(given, "suppressed"),
        objections=_words(given, "objections"),
        wrote_on=_known(given, "wrote_on"),
        touches=tuple(_past(row) for row in _list(given, "touches")),
        last_inbound_at=_time(inbound, "contact.last_inbound_at") if inbound else None,
        invited=_flag(given, "invited"),
        customer=_flag(given, "customer"),
        open_case=case,
        identity_evidence=evidence,
        flags=_known(given, "flags"),
        segments=_words(given, "segments"),
        message_automatic=_flag(given, "message_automatic"),
        sender_authenticated=_flag(given, "sender_authenticated"),
        automatic_replies_24h=_count(given, "automatic_replies_24h") or 0,
        wish_month=_count(given, "wish_month"),
        paused_until=_time(paused, "contact.paused_until") if paused else None,
        bounced=_flag(given, "bounced"),
        is_us=_flag(given, "is_us"),
        is_automated=_flag(given, "is_automated"),
    )


def _past(given: Any) -> t.PastTouch:
    if not isinstance(given, dict) or not given.get("at"):
        raise LineError("contact.touches must be a list of {at, division, channel, kind}")
    # A touch of which nobody says what it was counts.
    kind = _text(given, "kind") or "campaign"
    return t.PastTouch(
        _time(given["at"], "contact.touches.at"), kind, _text(given, "division"), _text(given, "channel")
    )


def _text(given: Json, key: str) -> str:
    found = given.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise LineError(f"{key} must be a text")
    return found


def _flag(given: Json, key: str) -> bool:
    found = given.get(key)
    if found is None or found is False:
        return False
    if found is not True:
        raise LineError(f"{key} must be true or false")
    return True


def _count(given: Json, key: str) -> int | None:
    found = given.get(key)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise LineError(f"{key} must be a whole number, 0 or more")
    return found


def _confidence(found: Any) -> float | None:
    if found is None:
        return None
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found <= 1:
        raise LineError("contact.name_confidence must be a number from 0 to 1")
    return float(found)


def _list(given: Json, key: str) -> list[Any]:
    found = given.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise LineError(f"{key} must be a list")
    return found


def _words(given: Json, key: str) -> frozenset[str]:
    found = given.get(key)
    if not found:
        if found is None or found == []:
            return frozenset()
        raise LineError(f"{key} must be a list of texts")
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise LineError(f"{key} must be a list of texts")
    return frozenset(found)


def _known(given: Json, key: str) -> frozenset[str]:
    """Words of the format's own, however they are written."""
    return frozenset(word.casefold() for word in _words(given, key))


def _time(found: Any, key: str) -> datetime:
    try:
        at = datetime.fromisoformat(found)
    except (TypeError, ValueError) as error:
        raise LineError(f"{key}: {str(found)[:60]!r} is no ISO time") from error
    if not 1900 <= at.year <= 2200:  # further off, no calendar can be reckoned with
        raise LineError(f"{key}: {str(found)[:60]!r} is not between 1900 and 2200")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
