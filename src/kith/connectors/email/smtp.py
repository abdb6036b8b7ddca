"""Sending by SMTP, so that one always knows: it was taken, it was not, or nobody can tell."""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib

from kith.connectors.contract import (
    AddressGuard,
    ConnectorError,
    NotSupported,
    OutcomeUnknown,
    ReconnectNeeded,
    Refused,
    RetryLater,
)  # fmt: skip
from kith.connectors.email.compose import Mail
from kith.connectors.email.net import Smtp
from kith.connectors.email.oauth import xoauth2
from kith.connectors.email.options import Options
from kith.connectors.words import say

_BARE = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


def login(options: Options, guard: AddressGuard) -> Smtp:
    """A signed-in connection; errors name the field to blame."""
    server = options.outgoing
    hello = options.address.rpartition("@")[2]
    try:
        client = Smtp(guard, server, hello if hello.isascii() and not hello.startswith("[") else "localhost")
    except ConnectorError:
        raise
    except smtplib.SMTPResponseException as error:
        raise _answer(
            error.smtp_code, error.smtp_error, f"{server.host} does not take mail", "smtp_host"
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        message = say(
            "{host} does not speak SMTP on port {port}, or expects other encryption.",
            host=server.host,
            port=server.port,
        )
        raise RetryLater(message, field="smtp_port") from error
    try:
        _authenticate(client, options)
    except ConnectorError:
        client.close()
        raise
    except smtplib.SMTPAuthenticationError as error:
        client.close()
        said = said_by(error.smtp_error)
        if 400 <= error.smtp_code < 500 and error.smtp_code != 432:
            raise RetryLater(
                say("{host} does not let us in just now: {said}", host=server.host, said=said), after=300
            ) from error
        blame = "auth" if server.token else server.blame
        raise ReconnectNeeded(
            say("{host} does not accept the user name or password: {said}", host=server.host, said=said),
            field=blame,
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        client.close()
        raise RetryLater(
            say("{host} closed the connection ({problem}).", host=server.host, problem=type(error).__name__)
        ) from error
    return client


def _authenticate(client: Smtp, options: Options) -> None:
    server = options.outgoing
    if not server.username:
        return
    if not client.has_extn("auth"):
        if server.security == "none":
            return  # a relay that knows us by our address
        raise Refused(
            say("{host} offers no way to sign in on port {port}.", host=server.host, port=server.port),
            field="smtp_port",
        )
    if server.token:
        answer = base64.b64encode(xoauth2(server.username, server.token).encode()).decode("ascii")
        code, text = client.docmd("AUTH", "XOAUTH2 " + answer)
        if code == 334:  # the reason, in JSON, that has to be acknowledged
            code, text = client.docmd("")
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, text)
        return
    if not server.password:
        raise ReconnectNeeded(say("The password is missing."), field="password")
    client.login(server.username, server.password)


def deliver(options: Options, guard: AddressGuard, mail: Mail) -> None:
    """Hand the mail over to all its recipients, or to none of them.

    Raises RetryLater and Refused when it was surely not taken, OutcomeUnknown when the connection was lost after the
    whole mail had left and before the server's answer to it.
    """
    client = login(options, guard)
    try:
        try:
            _envelope(client, mail)
        except smtplib.SMTPException as error:
            raise RetryLater(
                say(
                    "{host} closed the connection ({problem}).",
                    host=options.outgoing.host,
                    problem=type(error).__name__,
                )
            ) from error
        except OSError as error:
            raise RetryLater(
                say(
                    "The connection to {host} broke ({problem}).",
                    host=options.outgoing.host,
                    problem=type(error).__name__,
                )
            ) from error
        _data(client, options.outgoing.host, mail.body)
        with contextlib.suppress(Exception):
            client.quit()
    finally:
        client.close()


def _envelope(client: Smtp, mail: Mail) -> None:
    choices = []
    if client.has_extn("size"):
        limit = client.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(mail.body):
            raise Refused(
                say(
                    "The mail has {count} bytes; the server takes at most {limit}.",
                    count=len(mail.body),
                    limit=limit,
                ),
                field="media",
            )
        choices.append(f"size={len(mail.body)}")
    if mail.utf8:
        if not client.has_extn("smtputf8"):
            raise NotSupported(
                say("The outgoing server takes no addresses with letters beyond ASCII."), field="to"
            )
        choices += ["SMTPUTF8", "BODY=8BITMIME"]
    code, text = client.mail(mail.sender, choices)
    if code != 250:
        raise _answer(code, text, say("The server does not let {sender} send", sender=mail.sender), "address")
    for recipient in mail.recipients:
        code, text = client.rcpt(recipient)
        if code not in (250, 251):
            # One is refused: nothing goes out, so that a person decides whom to leave out.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.rset()
            raise _answer(code, text, say("{recipient} was refused", recipient=recipient), "to")


def _data(client: Smtp, host: str, body: bytes) -> None:
    try:
        code, text = client.docmd("DATA")
    except (smtplib.SMTPException, OSError) as error:
        raise RetryLater(
            say("The connection to {host} broke before the mail was sent.", host=host)
        ) from error
    if code != 354:
        raise _answer(code, text, say("The server does not take the mail"), "")
    sock = client.sock
    if sock is None:
        raise RetryLater(say("The connection to {host} broke before the mail was sent.", host=host))
    content = _LEADING_DOT.sub(b"..", _BARE.sub(b"\r\n", body))
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    try:
        # Without its last line the mail is unfinished, and a server must forget it.
        sock.sendall(content)
    except OSError as error:
        raise RetryLater(
            say("The connection to {host} broke while the mail was being sent.", host=host)
        ) from error
    try:
        sock.sendall(b".\r\n")
        code, text = client.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise OutcomeUnknown(
            say("The mail has left, and {host} did not say whether it took it.", host=host)
        ) from error
    if 200 <= code < 300:
        return
    if code == 421 or not 400 <= code < 600:
        raise OutcomeUnknown(
            say(
                "The mail has left, and {host} answered: {code} {said}",
                host=host,
                code=code,
                said=said_by(text),
            )
        )
    raise _answer(code, text, say("The server does not take the mail"), "")


def _answer(code: int, text: bytes | str, what: str, blame: str) -> ConnectorError:
    message = f"{what}: {code} {said_by(text)}"
    if code in (530, 535, 538):
        return ReconnectNeeded(message, field="password")
    if 400 <= code < 500:
        return RetryLater(message, after=300 if code in (450, 451, 452) else 120, field=blame)
    if 500 <= code < 600:
        return Refused(message, field=blame)
    return RetryLater(message, field=blame)


def said_by(text: bytes | str) -> str:
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(decoded.split())[:200]
