"""Connections to mail servers: only to addresses that the guard has checked, with a time-out on every step."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import smtplib
import socket
import ssl
from typing import Any, Final

from imapclient import IMAPClient, SocketTimeout

from kith.connectors.contract import AddressGuard, ConnectorError, Refused, RetryLater
from kith.connectors.email.options import Server
from kith.connectors.words import say

CONNECT_SECONDS: Final = 15.0
READ_SECONDS: Final = 60.0
MAX_LINE: Final = 10_000_000


def open_socket(guard: AddressGuard, server: Server) -> socket.socket:
    """A connected socket, encrypted already where the server expects that from the first byte."""
    if not server.host:
        raise Refused(say("The server's name is missing."), field=f"{server.prefix}host")
    addresses = guarded(guard, server)
    last: OSError | None = None
    for address in addresses[:6]:
        try:
            sock = socket.create_connection((address, server.port), CONNECT_SECONDS)
        except OSError as error:
            last = error
            continue
        try:
            if server.security == "tls":
                sock = context().wrap_socket(sock, server_hostname=server.host)
            sock.settimeout(READ_SECONDS)
        except (OSError, ValueError) as error:
            sock.close()
            raise tls_failed(error, server) from error
        else:
            return sock
    raise not_connected(last, server) from last


def guarded(guard: AddressGuard, server: Server) -> list[str]:
    try:
        addresses = guard(server.host, server.port)
    except ConnectorError as error:
        error.field = error.field or f"{server.prefix}host"
        raise
    except (OSError, UnicodeError) as error:
        raise RetryLater(
            say("No server is called {host}.", host=server.host), field=f"{server.prefix}host"
        ) from error
    if not addresses:
        raise RetryLater(say("No server is called {host}.", host=server.host), field=f"{server.prefix}host")
    return addresses


def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def not_connected(error: OSError | None, server: Server) -> ConnectorError:
    if isinstance(error, ConnectionRefusedError):
        message = say("{host} does not answer on port {port}.", host=server.host, port=server.port)
        return RetryLater(message, field=f"{server.prefix}port")
    if isinstance(error, TimeoutError):
        message = say(
            "{host} did not answer on port {port} within {seconds} seconds.",
            host=server.host,
            port=server.port,
            seconds=f"{CONNECT_SECONDS:.0f}",
        )
        return RetryLater(message, field=f"{server.prefix}port")
    return RetryLater(
        say("{host} can't be reached ({error}).", host=server.host, error=error), field=f"{server.prefix}host"
    )


def tls_failed(error: Exception, server: Server) -> ConnectorError:
    if isinstance(error, ssl.SSLCertVerificationError):
        message = say(
            "The certificate of {host} is not valid: {verify_message}.",
            host=server.host,
            verify_message=error.verify_message,
        )
        return Refused(message, field=f"{server.prefix}host")
    if isinstance(error, TimeoutError):
        return RetryLater(
            say("{host} does not speak TLS on port {port}.", host=server.host, port=server.port),
            field=f"{server.prefix}security",
        )
    message = say(
        "{host} does not speak TLS on port {port}; try another encryption or port.",
        host=server.host,
        port=server.port,
    )
    return RetryLater(message, field=f"{server.prefix}security")


class _Imap4(imaplib.IMAP4):
    def __init__(self, host: str, port: int, sock: socket.socket) -> None:
        self._ready_socket = sock
        super().__init__(host, port, timeout=READ_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._ready_socket


class Imap(IMAPClient):  # type: ignore[misc]
    """An IMAP client over a socket that is connected already; it writes no command into any log."""

    def __init__(self, guard: AddressGuard, server: Server) -> None:
        self._ready_socket = open_socket(guard, server)
        try:
            super().__init__(
                server.host, server.port, ssl=False, timeout=SocketTimeout(CONNECT_SECONDS, READ_SECONDS)
            )
            self._imap.debug = 0
            self.normalise_times = False
            if server.security == "starttls":
                try:
                    self.starttls(context())
                except (OSError, imaplib.IMAP4.error) as error:
                    raise tls_failed(error, server) from error
        except BaseException:
            with contextlib.suppress(OSError):
                self._ready_socket.close()
            raise

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the parent's name
        return _Imap4(self.host, self.port, self._ready_socket)


class Pop(poplib.POP3):
    """POP3 over a guarded socket; lines may be long, as mails have them."""

    def __init__(self, guard: AddressGuard, server: Server) -> None:
        self._ready_socket = open_socket(guard, server)
        try:
            super().__init__(server.host, server.port, timeout=READ_SECONDS)
            if server.security == "starttls":
                try:
                    self.stls(context())
                except (OSError, poplib.error_proto) as error:
                    raise tls_failed(error, server) from error
        except BaseException:
            with contextlib.suppress(OSError):
                self._ready_socket.close()
            raise

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._ready_socket

    def _getline(self) -> tuple[bytes, int]:
        # The parent refuses lines of more than 2048 bytes, and real mails have them.
        line = self.file.readline(MAX_LINE + 1)
        if not line:
            raise poplib.error_proto("-ERR EOF")
        octets = len(line)
        if line[-2:] == b"\r\n":
            return line[:-2], octets
        return line.rstrip(b"\r\n"), octets


class Smtp(smtplib.SMTP):
    """SMTP over a guarded socket, that tells an unfinished DATA from one whose answer was lost."""

    def __init__(self, guard: AddressGuard, server: Server, hello: str) -> None:
        self._ready_socket = open_socket(guard, server)
        try:
            super().__init__(server.host, server.port, local_hostname=hello, timeout=READ_SECONDS)
            self.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                try:
                    self.starttls(context=context())
                except (OSError, smtplib.SMTPException) as error:
                    raise tls_failed(error, server) from error
                self.ehlo_or_helo_if_needed()
        except BaseException:
            with contextlib.suppress(OSError):
                self._ready_socket.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        return self._ready_socket
