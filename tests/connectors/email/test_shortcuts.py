"""What spares a slow pattern most mails finds what the pattern finds."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.shared import shared_data

from kith.connectors import child
from kith.connectors.email.parse import bounces, folding, html, mime, parse_mail
from kith.connectors.manifest import manifests

WROTE = """wrote writes schrieb schrieben geschrieben; hat geschrieben; a ecrit; ecrit; escribio; scritto; ha scritto; ha escrito;
schreef; heeft geschreven; escreveu; skrev; kirjoitti; napisal; pisze; napsala; napsal; irta; a scris; scrie; yazdi; a escrit;
napisao; je napisal; kirjutas; menulis""".replace("\n", " ")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    files = [path for path in shared_data("mail").rglob("*") if path.is_file()]
    found: dict[str, None] = {}
    for path in files[::2]:
        raw = path.read_bytes()
        found |= dict.fromkeys(parse_mail(raw).text.split("\n"))
        found |= dict.fromkeys(raw[:4000].decode("latin-1").split("\n"))
    return [line[:400] for line in found]


def test_no_line_is_passed_over(lines: list[str]) -> None:
    assert len(lines) > 10_000
    for line in lines:
        assert folding._has_verb(line) == bool(folding._VERB_ANYWHERE.search(line)), line
        assert not folding._FIELD.match(line) or folding._may_be_field(line), line
        assert not folding._DATE.search(line) or folding._MAY_DATE.search(line), line
        assert not (line[:1].isascii() and line[:1].isalnum()) or folding._STARTS.match(line), line
        assert bounces._is_daemon(line) == bool(bounces._DAEMON.search(line)), line


@pytest.mark.parametrize(
    "verb",
    [part.strip() for part in WROTE.replace("wrote writes schrieb", "wrote; writes; schrieb;").split(";")],
)
def test_every_verb_in_ascii_is_one(verb: str) -> None:
    for said in (verb, verb.upper(), f"On 3 May, Ada {verb}:"):
        assert folding._VERB_ANYWHERE.search(said)
        assert folding._has_verb(said)


@pytest.mark.parametrize(
    "sender",
    ["MAILER-DAEMON@x", "maildaemon", "post-master", "Mail Delivery Subsystem", "mail delivery system", "Mail-Administrator",
     "mailer.admin", "Mail Delivery", "delivery-agent", "double-bounce@x", "MMDF", "autoresponder-bounce",
     "notification+x.bounce", "MailSweeper", "fml-admin", "no-reply@a.bounce.example", "noreply@x.mailer.example"],
)  # fmt: skip
def test_every_daemon_is_one(sender: str) -> None:
    assert bounces._DAEMON.search(sender)
    assert bounces._is_daemon(sender)


def pieces(alphabet: str, count: int) -> Iterator[str]:
    dice = random.Random(7)
    for _ in range(count):
        yield "".join(dice.choices(alphabet, k=dice.randrange(40)))


def test_spaces_become_one() -> None:
    for text in pieces("ab  \t\r\n\f\v\xa0\u2003", 3000):
        assert html._one_space(text) == re.sub(r"[ \t\r\n\f]+", " ", text)


def test_names_of_headers() -> None:
    plain = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
    for text in pieces("aZ-_ \t:\x00\x7f\xe9\r~!", 5000):
        line = text.encode("latin-1")
        colon = line.find(b":")
        found = mime._name(line[:colon]) if 0 < colon <= 200 else mime._long_name(line, colon)
        assert bool(found) == (colon > 0 and bool(plain.match(line))), line
        assert not found or found == line[:colon].rstrip().lower().decode("ascii")
    assert mime._long_name(b"a" * 200 + b"   :", 203) == "a" * 200
    assert mime._long_name(b"a" * 201 + b":", 201) == ""


def test_the_child_loads_nothing_that_speaks_with_servers() -> None:
    """Each would take as long as a hundred mails, at every start."""
    asked = (
        "import sys, kith.connectors.child as c; from kith.connectors.contract import Setup;"
        "c.make_parsing('email', Setup(settings={}, secrets={}, http=None, guard=None, own=None));"
        "print([m for m in ('ssl', 'imapclient', 'smtplib', 'poplib', 'asyncio', 'django') if m in sys.modules])"
    )
    src = str(Path(child.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", asked], env={"PYTHONPATH": src}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(manifests()))
def test_every_connector_parses_in_the_child(name: str) -> None:
    made = child.make_parsing(
        name, child.Setup(settings={}, secrets={}, http=child._no_way_out, guard=child._no_way_out)
    )
    assert callable(made.parse)
