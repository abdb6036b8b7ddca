"""Real mail servers for tests: Dovecot (IMAP, POP3, LMTP, XOAUTH2) and Postfix in front of it.

Everything runs on loopback with free ports in a folder of its own, as root or as a normal user, and stops with the
context. `dovecot()` and `postfix(mailbox_server)` are context managers; the fixtures `dovecot_server` and
`postfix_server` (session-wide) can be imported into a conftest.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import grp
import http.server
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "open-sesame"
TOKEN = "ya29.good-token"
DOMAIN = "kontor.example"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port} after {seconds} s")


def _binary(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/dovecot:/sbin")
    if not found:
        pytest.skip(
            f"{name} is not installed (Debian packages dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix)"
        )
    return found


@dataclass
class Dovecot:
    """Ports of one Dovecot. Every user of any name has the password PASSWORD and, by XOAUTH2, the token TOKEN."""

    folder: Path
    imap: int
    pop3: int
    lmtp: int
    sasl: int = 0
    imaps: int = 0
    config: Path = field(default=Path())
    certificate: Path = field(default=Path())  # for SSL_CERT_FILE; it is that of the host mail.test
    accepted_tokens: set[str] = field(default_factory=lambda: {TOKEN})

    def doveadm(self, *arguments: str) -> str:
        """Run doveadm against this server; returns what it printed."""
        command = [_binary("doveadm"), "-c", str(self.config), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def deliver(self, user: str, *mails: bytes) -> None:
        """Put mails into a user's inbox by LMTP."""
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            for mail in mails:
                client.sendmail("someone@elsewhere.example", [user], mail)


def _introspection(server: Dovecot) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
            good = token in server.accepted_tokens
            # The token carries no name here: whoever holds it may sign in as the user of that token's mailbox.
            user = self.headers.get("X-User", "") or "anna@" + DOMAIN
            body = json.dumps({"active": good, "email": user} if good else {"active": False}).encode()
            self.send_response(200 if good else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def certificate_for(host: str, folder: Path) -> Path:
    """cert.pem and key.pem of a host, signed by itself; returns the former."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(encoded)
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem"


@contextlib.contextmanager
def dovecot() -> Iterator[Dovecot]:
    """A running Dovecot with an empty mailbox for whoever signs in."""
    binary = _binary("dovecot")
    folder = Path(tempfile.mkdtemp(prefix="kith-dovecot-"))
    server = Dovecot(
        folder,
        free_port(),
        free_port(),
        free_port(),
        free_port(),
        free_port(),
        config=folder / "dovecot.conf",
    )
    server.certificate = certificate_for("mail.test", folder)
    introspection = _introspection(server)
    threading.Thread(target=introspection.serve_forever, daemon=True).start()
    root = os.getuid() == 0
    me = getpass.getuser() if not root else "nobody"
    if root:
        os.chmod(folder, 0o755)
    account = pwd.getpwnam(me)
    group = grp.getgrgid(account.pw_gid).gr_name
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    os.chown(folder / "mail", account.pw_uid, account.pw_gid)
    (folder / "oauth2.conf").write_text(
        f"introspection_url = http://127.0.0.1:{introspection.server_port}/\n"
        "introspection_mode = auth\nusername_attribute = email\nactive_attribute = active\nactive_value = true\n"
    )
    internal = "root" if root else me
    limits = "" if root else f"default_internal_user = {me}\ndefault_internal_group = {group}\n"
    (folder / "dovecot.conf").write_text(f"""
protocols = imap pop3 lmtp
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_login_user = {"dovenull" if root else me}
{limits}
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_username_format = %Lu
mail_location = maildir:{folder}/mail/%u
mail_uid = {account.pw_uid}
mail_gid = {account.pw_gid}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
auth_failure_delay = 0
login_trusted_networks = 127.0.0.1
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Gesendet {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {server.imap}
  }}
  inet_listener imaps {{
    port = {server.imaps}
    ssl = yes
  }}
  chroot =
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {server.pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    port = {server.lmtp}
  }}
}}
service anvil {{
  chroot =
  # Without it every wrong password slows down all that follow from this address.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth {{
  user = {internal}
  inet_listener {{
    port = {server.sasl}
  }}
}}
service auth-worker {{
  user = {internal}
}}
""")
    process = subprocess.Popen([binary, "-F", "-c", str(server.config)], stderr=subprocess.PIPE, text=True)
    try:
        try:
            _wait_for(server.imap)
            _wait_for(server.lmtp)
        except RuntimeError as error:
            process.terminate()
            log = folder / "dovecot.log"
            said = (process.stderr.read() if process.stderr else "") + (
                log.read_text() if log.exists() else ""
            )
            raise RuntimeError(f"{error}: {said[-3000:]}") from error
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
        introspection.shutdown()
        introspection.server_close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Postfix:
    """`smtp` is the port that takes mail for anybody at DOMAIN and hands it to Dovecot by LMTP; `plain` does, too, and
    offers no TLS."""

    folder: Path
    smtp: int
    plain: int


@contextlib.contextmanager
def postfix(mailboxes: Dovecot) -> Iterator[Postfix]:
    """A running Postfix that delivers everything @DOMAIN into `mailboxes`, and bounces the rest."""
    binary = _binary("postfix")
    if os.getuid() != 0:
        pytest.skip("Postfix starts as root only")
    port, plain = free_port(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="kith-postfix-"))
    os.chmod(folder, 0o755)
    config, queue, data = folder / "etc", folder / "spool", folder / "data"
    for made in (config, queue, data):
        made.mkdir()
    shutil.chown(data, "postfix", "postfix")
    (config / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{mailboxes.lmtp}
default_transport = error:nobody lives there
relay_transport = error:nobody lives there
smtpd_reject_unlisted_recipient = no
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_tls_security_level = may
smtpd_tls_cert_file = {mailboxes.folder}/cert.pem
smtpd_tls_key_file = {mailboxes.folder}/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{mailboxes.sasl}
smtpd_sasl_security_options = noanonymous
smtpd_recipient_restrictions = check_recipient_access inline:{{refused@{DOMAIN}=REJECT, later@{DOMAIN}=DEFER}}, permit_mynetworks, reject
alias_maps =
alias_database =
local_recipient_maps =
notify_classes =
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
message_size_limit = 60000000
virtual_mailbox_limit = 0
mailbox_size_limit = 0
disable_dns_lookups = yes
""")
    (config / "master.cf").write_text(f"""
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{plain} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
""")
    with _allowed(config):
        started = subprocess.run(
            [binary, "-c", str(config), "start"], capture_output=True, text=True, timeout=60, check=False
        )
        try:
            if started.returncode:
                raise RuntimeError(started.stderr + started.stdout)
            _wait_for(port)
            _wait_for(plain)
            yield Postfix(folder, port, plain)
        finally:
            subprocess.run([binary, "-c", str(config), "stop"], capture_output=True, timeout=60, check=False)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _allowed(config: Path) -> Iterator[None]:
    """Postfix takes a configuration elsewhere only from those that its own one names; several tests may run at once."""

    def edit(add: bool) -> None:
        with open(Path(tempfile.gettempdir()) / "kith-postfix.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            asked = subprocess.run(
                ["postconf", "-h", "alternate_config_directories"], check=True, capture_output=True, text=True
            )
            named = [name for name in asked.stdout.replace(",", " ").split() if name != str(config)]
            named += [str(config)] if add else []
            setting = "alternate_config_directories = " + " ".join(named)
            subprocess.run(["postconf", "-e", setting], check=True, capture_output=True)

    Path("/etc/postfix").mkdir(exist_ok=True)
    Path("/etc/postfix/main.cf").touch()
    edit(add=True)
    try:
        yield
    finally:
        edit(add=False)


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def postfix_server(dovecot_server: Dovecot) -> Iterator[Postfix]:
    with postfix(dovecot_server) as server:
        yield server
