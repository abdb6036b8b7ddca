"""What the receiving server found out about the sender (RFC 8601), and nothing that a sender can write by himself."""

from __future__ import annotations

import re

from kith.connectors.contract import Verified
from kith.connectors.email.parse.addresses import Address, normalise_domain
from kith.connectors.email.parse.mime import Part
from kith.connectors.email.parse.text import decode_bytes, one_line

_METHOD = re.compile(
    r"\s*(spf|dkim|dmarc|arc|iprev|dkim-adsp|x-[\w-]{1,30})(?:/\d+)?\s*=\s*([a-z]{1,20})\b(.*)", re.I | re.S
)
_FROM = re.compile(r"\bheader\.from\s*=\s*\"?([^\s\";]{1,260})", re.I)


def authentication(root: Part, authserv_id: str) -> tuple[dict[str, str], str]:
    """({"spf": "pass", ...}, the domain that DMARC speaks of) by the topmost header of the server `authserv_id`.

    Only one header is read: a sender may put others below it. Without a name to trust, nothing is trusted.
    """
    trusted = authserv_id.strip().lower()
    if not trusted:
        return {}, ""
    for raw in root.all_raw("authentication-results")[:20]:
        value = _without_comments(one_line(decode_bytes(raw[:16_000], "")))
        head, _, rest = value.partition(";")
        words = head.split()
        if not words or words[0].lower() != trusted:
            continue
        return _results(_statements(rest))
    return {}, ""


def _results(statements: list[str]) -> tuple[dict[str, str], str]:
    results: dict[str, str] = {}
    domain = ""
    for statement in statements[:60]:
        found = _METHOD.match(statement)
        if not found:
            continue
        method, result = found[1].lower(), found[2].lower()
        if method == "dmarc":
            named = _FROM.search(found[3])
            said = normalise_domain(named[1].rpartition("@")[2]) if named else ""
            if "dmarc" in results and (results["dmarc"] != result or said != domain):
                results["dmarc"] = "permerror"  # two answers are none
                continue
            domain = said
        elif method in results and results[method] == "pass":
            continue
        results[method] = result
    return results, domain


def _statements(text: str) -> list[str]:
    """Split at semicolons that stand outside of quotes."""
    out: list[str] = []
    current: list[str] = []
    quoted = False
    for piece in re.split(r'(["\\;])', text):
        if piece == '"':
            quoted = not quoted
        if piece == ";" and not quoted:
            out.append("".join(current))
            current = []
        else:
            current.append(piece)
    return [*out, "".join(current)]


def _without_comments(text: str) -> str:
    out: list[str] = []
    depth = 0
    quoted = False
    for piece in re.split(r'([()"])', text):
        if piece == '"' and not depth:
            quoted = not quoted
        if not quoted and piece == "(":
            depth += 1
        elif not quoted and piece == ")":
            depth = max(0, depth - 1)
        elif not depth:
            out.append(piece)
    return "".join(out)


def verified(results: dict[str, str], domain: str, senders: list[Address], from_headers: int) -> Verified:
    """How far the From of this message is known to be true."""
    if not results:
        return "none"
    dmarc = results.get("dmarc", "")
    if from_headers > 1:
        return "failed"
    if dmarc in ("fail", "permerror"):
        return "failed"
    if dmarc != "pass" or len(senders) != 1:
        return "none"
    sender = senders[0]
    if not sender.exact or not sender.domain:
        return "none"
    if domain and not (sender.domain == domain or sender.domain.endswith("." + domain)):
        return "failed"
    return "dmarc"
