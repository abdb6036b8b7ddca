"""What the DNS of a sending domain says about its mail: SPF, DKIM and DMARC, in words.

Pure: the resolver is given. It takes a name and a record type and returns the records' texts, an empty list when there
are none, and raises LookupUnclear when nobody answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from kith.base.sayings import said

Resolver = Callable[[str, str], list[str]]
Level = Literal["ok", "warning", "problem"]
MAX_LOOKUPS = 10  # RFC 7208, 4.6.4
COMMON_SELECTORS = (
    "default",
    "dkim",
    "mail",
    "google",
    "selector1",
    "selector2",
    "s1",
    "s2",
    "k1",
    "fm1",
    "sig1",
    "key1",
)


class LookupUnclear(Exception):
    """The DNS gave no answer, so nothing can be said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a domain; `remedy` says what to put into the DNS, where something is missing."""

    what: Literal["SPF", "DKIM", "DMARC", "MX"]
    level: Level
    sentence: str
    remedy: str = ""


def check_domain(domain: str, resolve: Resolver, *, selectors: Iterable[str] = ()) -> list[Finding]:
    """SPF, DKIM, DMARC and MX of a domain that mail is sent from. `selectors`: those seen in its own mails come first."""
    domain = domain.strip().strip(".").lower()
    return [
        check_spf(domain, resolve),
        check_dkim(domain, resolve, selectors),
        check_dmarc(domain, resolve),
        check_mx(domain, resolve),
    ]


def check_spf(domain: str, resolve: Resolver) -> Finding:
    try:
        records = _tagged(resolve(domain, "TXT"), "v=spf1")
        if not records:
            return Finding(
                "SPF", "problem", said("{domain} has no SPF record, so receivers can't tell your server from a forger's.", domain=domain),
                said(
                    "Add a TXT record to {domain}: {record}",
                    domain=domain,
                    record='"v=spf1 include:<your mail provider> -all"',
                ),
            )  # fmt: skip
        if len(records) > 1:
            return Finding(
                "SPF", "problem", said("{domain} has {count} SPF records; receivers then use none of them.", domain=domain, count=len(records)),
                said("Join them into one TXT record."),
            )  # fmt: skip
        terms = records[0].split()[1:]
        last = next((term for term in terms if term.lstrip("+-~?").lower() == "all"), "")
        if last in ("all", "+all"):
            return Finding(
                "SPF", "problem", said("The SPF record of {domain} allows every server in the world (+all).", domain=domain),
                said('Let it end with "-all" or "~all".'),
            )  # fmt: skip
        lookups = _spf_lookups(domain, records[0], resolve, frozenset())
    except LookupUnclear:
        return _unclear("SPF", domain)
    if lookups > MAX_LOOKUPS:
        return Finding(
            "SPF", "problem", said("The SPF record of {domain} needs {lookups} look-ups; receivers stop at {most}.", domain=domain, lookups=lookups, most=MAX_LOOKUPS),
            said("Remove includes that are not needed any more."),
        )  # fmt: skip
    if not last and not any(term.lower().startswith("redirect=") for term in terms):
        return Finding(
            "SPF", "warning", said("The SPF record of {domain} does not say what to do with other servers.", domain=domain),
            said('Let it end with "-all" or "~all".'),
        )  # fmt: skip
    return Finding("SPF", "ok", said("{domain} has an SPF record.", domain=domain))


def check_dkim(domain: str, resolve: Resolver, selectors: Iterable[str] = ()) -> Finding:
    known = list(dict.fromkeys(selectors))
    try:
        for selector in known or COMMON_SELECTORS:
            for record in resolve(f"{selector}._domainkey.{domain}", "TXT"):
                tags = _tags(record)
                if tags.get("p"):
                    return Finding(
                        "DKIM",
                        "ok",
                        said(
                            "{domain} has a DKIM key (selector {selector}).", domain=domain, selector=selector
                        ),
                    )
                if "p" in tags:
                    return Finding(
                        "DKIM", "problem", said("The DKIM key of {domain} with the selector {selector} is revoked.", domain=domain, selector=selector),
                        said("Let your mail provider make a new one."),
                    )  # fmt: skip
    except LookupUnclear:
        return _unclear("DKIM", domain)
    remedy = said("Switch DKIM signing on at your mail provider and add the TXT record that it shows.")
    if known:
        return Finding(
            "DKIM",
            "problem",
            said("Mail of {domain} is signed, but the key is not in the DNS.", domain=domain),
            remedy,
        )
    return Finding(
        "DKIM",
        "warning",
        said("No DKIM key of {domain} was found under the usual names.", domain=domain),
        remedy,
    )


def check_dmarc(domain: str, resolve: Resolver) -> Finding:
    try:
        for name in _parents(domain):
            records = _tagged(resolve(f"_dmarc.{name}", "TXT"), "v=dmarc1")
            if len(records) == 1:
                return _dmarc_policy(domain, records[0])
            if records:
                return Finding(
                    "DMARC", "problem", said("{name} has {count} DMARC records; receivers then use none of them.", name=name, count=len(records)),
                    said("Keep one."),
                )  # fmt: skip
    except LookupUnclear:
        return _unclear("DMARC", domain)
    return Finding(
        "DMARC", "problem", said("{domain} has no DMARC record; large receivers send its mail to spam.", domain=domain),
        said(
            "Add a TXT record to {domain}: {record}, and later p=quarantine.",
            domain=f"_dmarc.{domain}",
            record=f'"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"',
        ),
    )  # fmt: skip


def check_mx(domain: str, resolve: Resolver) -> Finding:
    try:
        records = resolve(domain, "MX")
    except LookupUnclear:
        return _unclear("MX", domain)
    if not records or all(record.split()[-1].strip(".") == "" for record in records):
        return Finding(
            "MX",
            "warning",
            said("{domain} takes no mail, so answers to it are lost.", domain=domain),
            said("Add an MX record."),
        )
    return Finding("MX", "ok", said("{domain} takes mail.", domain=domain))


def _dmarc_policy(domain: str, record: str) -> Finding:
    policy = _tags(record).get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return Finding(
            "DMARC",
            "problem",
            said("The DMARC record of {domain} has no policy that receivers know.", domain=domain),
            said("Set p=none or more."),
        )
    if policy == "none":
        return Finding(
            "DMARC",
            "ok",
            said(
                "{domain} has a DMARC record (p=none: forgeries are reported and still delivered).",
                domain=domain,
            ),
        )
    return Finding(
        "DMARC", "ok", said("{domain} has a DMARC record (p={policy}).", domain=domain, policy=policy)
    )


def _spf_lookups(domain: str, record: str, resolve: Resolver, seen: frozenset[str]) -> int:
    count = 0
    for term in record.split()[1:]:
        name, _, value = term.lstrip("+-~?").lower().replace("=", ":", 1).partition(":")
        name = name.split("/")[0]
        if name in ("a", "mx", "ptr", "exists"):
            count += 1
        elif name in ("include", "redirect"):
            count += 1
            if value in seen or count > MAX_LOOKUPS or "%" in value:
                continue
            for inner in _tagged(resolve(value, "TXT"), "v=spf1")[:1]:
                count += _spf_lookups(domain, inner, resolve, seen | {value})
    return count


def _tagged(records: Iterable[str], tag: str) -> list[str]:
    return [record for record in records if record.strip().lower().replace(" ", "").startswith(tag)]


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _parents(domain: str) -> list[str]:
    """The domain and what lies above it, down to two labels."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def _unclear(what: Literal["SPF", "DKIM", "DMARC", "MX"], domain: str) -> Finding:
    return Finding(
        what,
        "warning",
        said("The DNS of {domain} gave no answer about {what}.", domain=domain, what=what),
        said("Try again later."),
    )
