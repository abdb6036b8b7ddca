"""Every setting that the environment can give, typed, with its documentation; a wrong value stops the start.

`docs/reference/settings.md` is generated from this table and checked against it by a test.
"""

from __future__ import annotations

import ipaddress
import os
import secrets as random_secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_data_path

from kith.base.setting import Setting, SettingError, read
from kith.core.postgres.location import make_home


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """The values; one attribute for each row of `docs/reference/settings.md`."""

    home: Path = Setting("KITH_HOME", "Folder of the database, attachments, keys and logs.", kind="path")
    environment: str = Setting(
        "KITH_ENV",
        "`production`, `development` (shows errors) or `test`.",
        default="production",
        choices=("production", "development", "test"),
    )
    database_url: str = Setting(
        "DATABASE_URL",
        "Your own PostgreSQL (15 or newer) instead of the embedded one: `postgresql://user:pw@host/db`. Add "
        "`?prepare=no` behind a pooler that shares connections between transactions.",
        kind="url",
        default="",
        schemes=("postgres", "postgresql"),
        secret=True,
    )
    public_url: str = Setting(
        "KITH_PUBLIC_URL",
        "The address at which browsers and customers reach Kith, for example "
        "`https://kith.example.org`. Can also be set in the browser; this one wins.",
        kind="url",
        default="",
        schemes=("http", "https"),
    )
    host: str = Setting("KITH_HOST", "Address to listen on.", default="127.0.0.1")
    port: int = Setting("KITH_PORT", "Port of the pages.", kind="int", default=8000, least=1, most=65535)
    live_port: int = Setting(
        "KITH_LIVE_PORT",
        "Port of the live events (the pages forward to it; a reverse proxy should route `/live/` "
        "to it). 0: the port of the pages plus one.",
        kind="int",
        default=0,
        least=0,
        most=65535,
    )
    web_workers: int = Setting(
        "KITH_WEB_WORKERS", "Processes that serve pages.", kind="int", default=1, least=1, most=64
    )
    web_threads: int = Setting(
        "KITH_WEB_THREADS", "Threads a web process.", kind="int", default=4, least=1, most=64
    )
    secret_key: str = Setting(
        "KITH_SECRET_KEY",
        "Signs sessions and links. Default: made once and kept in KITH_HOME/keys.",
        default="",
        secret=True,
    )
    key_file: Path | None = Setting(
        "KITH_KEY_FILE",
        "Key that encrypts credentials in the database. Default: KITH_HOME/keys/secrets.key.",
        kind="path",
        default=None,
    )
    trusted_proxies: tuple[str, ...] = Setting(
        "KITH_TRUSTED_PROXIES",
        "Addresses of reverse proxies whose X-Forwarded-For is believed, with commas.",
        kind="networks",
        default=(),
    )
    allowed_networks: tuple[str, ...] = Setting(
        "KITH_ALLOWED_NETWORKS",
        "Networks of your own that connectors may reach (a mail server in the same "
        "building, say), as CIDR with commas. Everything else that is not public is refused.",
        kind="networks",
        default=(),
    )
    mail_url: str = Setting(
        "KITH_MAIL_URL",
        "Server for system mail (invitations, resets, alarms): `smtp://user:pw@host:587` or "
        "`smtps://...`. Default: the first connected mailbox; without one, mails are listed under Settings.",
        kind="url",
        default="",
        schemes=("smtp", "smtps"),
        secret=True,
    )
    mail_from: str = Setting("KITH_MAIL_FROM", "Sender of system mail.", default="")
    log_level: str = Setting(
        "KITH_LOG_LEVEL",
        "`DEBUG`, `INFO`, `WARNING` or `ERROR`.",
        default="INFO",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    time_zone: str = Setting(
        "KITH_TIME_ZONE", "Time zone until a user chooses one (IANA name).", default="UTC"
    )
    language: str = Setting(
        "KITH_LANGUAGE", "Language until a user chooses one.", default="en", choices=("en", "de", "es")
    )
    max_message_mb: int = Setting(
        "KITH_MAX_MESSAGE_MB",
        "Larger mails are kept by their headers and shown as too large.",
        kind="int",
        default=50,
        least=1,
        most=1024,
    )
    backup_hour: int = Setting(
        "KITH_BACKUP_HOUR",
        "Hour (0 to 23, in KITH_TIME_ZONE) of the nightly backup; -1 switches it off.",
        kind="int",
        default=3,
        least=-1,
        most=23,
    )
    backup_keep: int = Setting(
        "KITH_BACKUP_KEEP", "Nightly backups to keep.", kind="int", default=14, least=1, most=3650
    )
    backup_folder: Path | None = Setting(
        "KITH_BACKUP_FOLDER",
        "Where nightly backups go; better on another disk. Default: KITH_HOME/backups.",
        kind="path",
        default=None,
    )
    backup_passphrase_file: Path | None = Setting(
        "KITH_BACKUP_PASSPHRASE_FILE",
        "File with the passphrase that encrypts the keys in nightly backups. Without it "
        "the keys are left out of them, and KITH_HOME/keys must be kept elsewhere.",
        kind="path",
        default=None,
    )
    oidc_url: str = Setting(
        "KITH_OIDC_URL",
        "OpenID Connect issuer for single sign-on.",
        kind="url",
        default="",
        schemes=("https", "http"),
    )
    oidc_client_id: str = Setting("KITH_OIDC_CLIENT_ID", "Client id at that issuer.", default="")
    oidc_client_secret: str = Setting(
        "KITH_OIDC_CLIENT_SECRET", "Client secret at that issuer.", default="", secret=True
    )
    oidc_name: str = Setting("KITH_OIDC_NAME", "Name on its sign-in button.", default="Single sign-on")
    oidc_new_people: str = Setting(
        "KITH_OIDC_NEW_PEOPLE",
        "Who is let in at their first sign-in there: `invited` (and who works here already), or `everyone` whom the "
        "issuer confirms.",
        default="invited",
        choices=("invited", "everyone"),
    )
    oidc_role: str = Setting(
        "KITH_OIDC_ROLE",
        "Role of those who come in uninvited: `viewer`, `agent` or `manager`.",
        default="agent",
        choices=("viewer", "agent", "manager"),
    )
    oidc_domains: str = Setting(
        "KITH_OIDC_DOMAINS",
        "Only addresses of these domains come in uninvited, with commas. Default: all that the issuer confirms.",
        default="",
    )
    oidc_trust_email: bool = Setting(
        "KITH_OIDC_TRUST_EMAIL",
        "`yes`: addresses count as confirmed though the issuer does not say so (Entra ID does not). Only for an "
        "issuer at which nobody can choose an address of somebody else.",
        kind="bool",
        default=False,
    )

    def __repr__(self) -> str:
        """Without the secrets: Django's error page shows the settings."""
        shown = {
            f.name: "…" if getattr(f.default, "secret", False) else getattr(self, f.name)
            for f in fields(self)
        }
        return f"Environment({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def test(self) -> bool:
        return self.environment == "test"

    @property
    def debug(self) -> bool:
        return self.environment == "development"

    @property
    def live_address_port(self) -> int:
        return self.live_port or self.port + 1

    @property
    def secrets_key_path(self) -> Path:
        return self.key_file or self.home / "keys" / "secrets.key"

    @property
    def backups(self) -> Path:
        return self.backup_folder or self.home / "backups"

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return tuple(ipaddress.ip_network(text, strict=False) for text in self.allowed_networks)

    @property
    def oidc_domain_names(self) -> frozenset[str]:
        return frozenset(name.strip().lower() for name in self.oidc_domains.split(",") if name.strip())

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or ""

    def signing_key(self) -> str:
        """KITH_SECRET_KEY, or one that is made once and kept (mode 0600) under KITH_HOME/keys."""
        if self.secret_key:
            return self.secret_key
        path = self.home / "keys" / "signing.key"
        if not path.exists():
            make_home(self.home)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(random_secrets.token_urlsafe(48), encoding="ascii")
            draft.chmod(0o600)
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip()


def load(values: Mapping[str, str] | None = None) -> Environment:
    """Read the environment; raises SettingError with a sentence that names the setting."""
    source = os.environ if values is None else values
    got: dict[str, Any] = {}
    for item in fields(Environment):
        setting: Any = item.default
        got[item.name] = read(
            setting, source, fallback=user_data_path("kith") if item.name == "home" else None
        )
    known = {getattr(item.default, "name", "") for item in fields(Environment)}
    unknown = sorted(name for name in source if name.startswith("KITH_") and name not in known | INTERNAL)
    if unknown:
        raise SettingError(
            f"{unknown[0]} is not a setting of Kith. See docs/reference/settings.md for those that are."
        )
    return Environment(**got)


INTERNAL = frozenset(
    {"KITH_SHARED_DATA", "KITH_SPAMASSASSIN", "KITH_ATPROTO_DIR", "KITH_TEST_PARTS", "KITH_SNAC"}
)
