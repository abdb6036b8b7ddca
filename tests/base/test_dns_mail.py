"""SPF, DKIM and DMARC as the DNS tells them, by a resolver made of a table."""

from __future__ import annotations

import pytest

from kith.base.dns_mail import (
    Finding,
    LookupUnclear,
    check_dkim,
    check_dmarc,
    check_domain,
    check_mx,
    check_spf,
)

GOOD = {
    ("example.org", "TXT"): ["google-site-verification=x", "v=spf1 include:_spf.mail.test mx -all"],
    ("_spf.mail.test", "TXT"): ["v=spf1 ip4:192.0.2.0/24 ~all"],
    ("example.org", "MX"): ["10 mx.mail.test."],
    ("default._domainkey.example.org", "TXT"): ["v=DKIM1; k=rsa; p=MIIB"],
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=quarantine; rua=mailto:x@example.org"],
}


def resolver(table: dict[tuple[str, str], list[str]]):
    return lambda name, kind: table.get((name, kind), [])


def silent(name: str, kind: str) -> list[str]:
    raise LookupUnclear("timeout")


def spf(*records: str, **more: list[str]) -> Finding:
    table = {("example.org", "TXT"): list(records)} | {(name, "TXT"): texts for name, texts in more.items()}
    return check_spf("example.org", resolver(table))


def test_a_domain_in_order_has_nothing_to_put_right() -> None:
    found = check_domain("Example.ORG.", resolver(GOOD))
    assert [(f.what, f.level, f.remedy) for f in found] == [
        (w, "ok", "") for w in ("SPF", "DKIM", "DMARC", "MX")
    ]


def test_an_empty_dns_names_every_remedy() -> None:
    found = check_domain("example.org", resolver({}))
    assert [f.level for f in found] == ["problem", "warning", "problem", "warning"]
    assert all(f.remedy for f in found)
    assert "v=DMARC1; p=none" in found[2].remedy


def test_a_dns_that_does_not_answer_proves_nothing() -> None:
    assert {f.level for f in check_domain("example.org", silent)} == {"warning"}
    assert all("no answer" in f.sentence for f in check_domain("example.org", silent))


@pytest.mark.parametrize(
    ("records", "level", "says"),
    [
        (["v=spf1 mx -all"], "ok", "has an SPF record"),
        (["V=SPF1 MX ~ALL"], "ok", "has an SPF record"),
        (["v=spf1 redirect=_spf.x.test"], "ok", "has an SPF record"),
        (["v=spf1 mx"], "warning", "does not say"),
        (["v=spf1 mx +all"], "problem", "every server in the world"),
        (["v=spf1 all"], "problem", "every server in the world"),
        (["v=spf1 -all", "v=spf1 mx -all"], "problem", "2 SPF records"),
        (["spf=none"], "problem", "no SPF record"),
    ],
)
def test_spf(records: list[str], level: str, says: str) -> None:
    found = spf(*records)
    assert (found.level, says in found.sentence) == (level, True), found


def test_spf_counts_look_ups_through_includes() -> None:
    inner = {f"i{n}.test": ["v=spf1 a mx exists:x.test -all"] for n in range(3)}
    assert spf("v=spf1 include:i0.test include:i1.test -all", **inner).level == "ok"
    found = spf("v=spf1 include:i0.test include:i1.test include:i2.test -all", **inner)
    assert found.level == "problem"
    assert "12 look-ups" in found.sentence


def test_spf_that_includes_itself_ends() -> None:
    assert spf(
        "v=spf1 include:a.test -all",
        **{"a.test": ["v=spf1 include:b.test"], "b.test": ["v=spf1 include:a.test"]},
    )


def test_a_revoked_key_is_a_problem_and_a_known_selector_is_asked_for() -> None:
    revoked = resolver({("s9._domainkey.example.org", "TXT"): ["v=DKIM1; p="]})
    assert "revoked" in check_dkim("example.org", revoked, ["s9"]).sentence
    assert check_dkim("example.org", resolver(GOOD), ["s9"]).level == "problem"
    assert check_dkim("example.org", revoked).level == "warning"


def test_dmarc_of_the_domain_above_counts() -> None:
    above = {("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject"]}
    assert "p=reject" in check_dmarc("news.shop.example.org", resolver(above)).sentence
    assert (
        check_dmarc("example.org", resolver({("_dmarc.example.org", "TXT"): ["v=DMARC1; p=maybe"]})).level
        == "problem"
    )
    twice = {("_dmarc.example.org", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}
    assert "2 DMARC records" in check_dmarc("example.org", resolver(twice)).sentence


def test_a_null_mx_takes_no_mail() -> None:
    assert check_mx("example.org", resolver({("example.org", "MX"): ["0 ."]})).level == "warning"
