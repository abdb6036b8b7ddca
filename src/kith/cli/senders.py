"""What `kith doctor` says of the domains that we send from: SPF, DKIM and DMARC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kith.base import dns_mail
from kith.cli.examine import Finding


def sending_domains(environment: Any) -> list[str]:
    """The domains of our mailboxes and of the system's sender, but for those of the big mail providers."""
    from kith.networks.models import ChannelAccount

    addresses = ChannelAccount.objects.filter(state="active", address__contains="@").values_list(
        "address", flat=True
    )
    found = {
        address.rsplit("@", 1)[1].strip("> ").lower()
        for address in (*addresses, environment.mail_from)
        if "@" in address
    }
    return sorted(domain for domain in found if "." in domain and domain not in FREE_MAIL)


FREE_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "gmx.de", "gmx.net", "web.de"}
)  # fmt: skip


def domains(names: Iterable[str], resolver: dns_mail.Resolver) -> Iterator[Finding]:
    for name in names:
        for found in dns_mail.check_domain(name, resolver):
            yield Finding(found.what, found.level, found.sentence, found.remedy)


def resolve(name: str, kind: str) -> list[str]:
    """Ask the DNS; a record's strings are joined."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(name, kind, lifetime=5.0)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise dns_mail.LookupUnclear(str(error)) from error
    if kind == "TXT":
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return [record.to_text() for record in answer]
