"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db.models import Model

from kith.connectors.manifest import manifests
from kith.contacts.models import Contact, Identity
from kith.core.registry import kept

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "kith"
MOST_LINES = 400

# Words of daily language that happen to be a connector's folder: "an email address", "a chat", "a webhook", "feeds".
GENERIC = {"email", "chat", "webhook", "feeds", "files", "simulator", "hostile"}

# Where a network's name may stand, and why. Nothing is added here for convenience.
ALLOWED = {
    "demo": "a company made up, with posts on real networks",
    "workspace/demo": "a company made up, with posts on real networks",
    "locale": "translations",
}


def python_files() -> Iterator[Path]:
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" not in path.parts and "__pycache__" not in path.parts:
            yield path


def text_files() -> Iterator[Path]:
    yield from python_files()
    for pattern in ("*.html", "*.txt", "*.toml"):
        yield from (p for p in sorted(SOURCE.rglob(pattern)) if "dist" not in p.parts)


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def networks() -> list[str]:
    return sorted(set(manifests()) - GENERIC)


def test_no_network_is_named_outside_its_folder() -> None:
    assert len(networks()) >= 2
    word = re.compile(rf"(?<![a-z])({'|'.join(networks())})(?![a-z])", re.IGNORECASE)
    found = []
    for path in text_files():
        inside = path.relative_to(SOURCE)
        if any(inside.is_relative_to(folder) for folder in ALLOWED):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in word.finditer(line):
                if not inside.is_relative_to(f"connectors/{match[1].lower()}") and not (
                    inside.parts[0] == "connectors"
                    and inside.name in ("README.md", "README.de.md", "README.es.md", "notifications.toml")
                ):
                    found.append(f"{inside}:{number}: {line.strip()[:80]}")
    assert found == []


def test_every_module_and_every_public_view_service_and_model_says_what_it_is() -> None:
    silent = []
    for path in python_files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = str(path.relative_to(SOURCE))
        if (
            tree.body
            and not ast.get_docstring(tree)
            and path.name not in ("__init__.py", "apps.py", "urls.py")
        ):
            silent.append(inside)
    few = {
        "conversations/models/conversation.py",
        "conversations/models/message.py",
        "conversations/models/search.py",
    }  # fmt: skip  (their package says it)
    assert set(silent) - few == set()


def test_only_trust_makes_clearances() -> None:
    users = [
        str(path.relative_to(SOURCE))
        for path in python_files()
        if "make_clearance" in path.read_text(encoding="utf-8") and not path.is_relative_to(SOURCE / "trust")
    ]
    assert users == []
    inside = [
        str(path.relative_to(SOURCE / "trust"))
        for path in python_files()
        if path.is_relative_to(SOURCE / "trust")
        and "make_clearance" in path.read_text(encoding="utf-8")
        and path.stem != "types"
    ]
    assert all(name.startswith("services") for name in inside)
    assert inside


def _reaching() -> set[type[Model]]:
    """Models with a chain of foreign keys to a contact or an identity."""
    reach: set[type[Model]] = {Contact, Identity}
    size = 0
    while size != len(reach):
        size = len(reach)
        for model in apps.get_models():
            if model.__module__.startswith("kith.") and any(
                field.related_model in reach for field in model._meta.concrete_fields if field.is_relation
            ):
                reach.add(model)
    return reach


def test_whatever_reaches_a_person_is_registered_for_erasure_and_export() -> None:
    missing = sorted(model._meta.label for model in _reaching() if model._meta.label not in kept())
    assert missing == []


def test_whatever_is_registered_leads_to_a_person_and_says_why_it_is_not_exported() -> None:
    for label, row in kept().items():
        model: type[Model] = row.model
        for step in row.path.split("__") if row.path else []:
            model = model._meta.get_field(step).related_model  # type: ignore[assignment]
        assert model in (Contact, Identity), label
        assert row.export or row.why, label


def test_no_view_is_without_csrf_but_those_that_prove_themselves_otherwise() -> None:
    exempt = [
        str(path.relative_to(SOURCE))
        for path in python_files()
        if "csrf_exempt" in path.read_text(encoding="utf-8")
    ]
    # Behind a signed link, which is the proof (RFC 8058 forbids cookies); and the form that a mail confirms.
    own = ("web/my/links.py", "web/my/subscribe.py")
    assert all(name.startswith(("api/", "web/chat/", *own)) for name in exempt), exempt


def _uses(words: str) -> set[str]:
    return {str(p.relative_to(SOURCE)) for p in python_files() if words in p.read_text(encoding="utf-8")}


def test_nothing_goes_around_the_gate() -> None:
    """What reaches people, and what we conclude of them, has one way each; the words are looked for, whoever writes them."""
    # Deliveries are made where a clearance lies, and sent where the gate is asked once more.
    assert _uses("= Delivery.objects.create(") == {"channels/outbox.py"}
    # System mail goes to colleagues alone; what visitors asked for themselves asks the gate in the same function.
    senders = {"channels/deliver.py", "channels/system_mail.py", "channels/notices.py"}
    assert _uses("connector.send(") == senders
    # A link between an account and a person is asked for; an own key alone proves itself.
    linkers = _uses(" identity_link(") | _uses(".identity_link(")
    assert linkers == {
        "contacts/services/contacts.py",  # whoever wrote from it
        "trust/services/knowing.py",
        "workspace/demo/build.py",
        "workspace/customer_deeds.py",  # whoever proved it by a code
    }
    # A fact that we conclude passes the gate too.
    assert _uses("Source.INFERRED") == {"trust/facts_used.py", "trust/services/knowing.py"}
    assert _uses("from kith.policy.decide") <= {
        "policy/ways.py",
        "policy/wire.py",
        "trust/survey.py",  # writes nothing, and makes no clearance
        # advice and fact_view only say what it would be; they clear nothing
        *(
            f"trust/{name}.py"
            for name in ("services/gate", "services/ledger", "selectors", "advice", "fact_view")
        ),
    }
