"""A push service on loopback, and a browser that reads what arrives there by RFC 8291, written apart from what sends."""

from __future__ import annotations

import base64
import json
import os
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def read(body: bytes, *, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """The plain text of one `aes128gcm` record (RFC 8188) under the keys of RFC 8291."""
    salt, (size, length) = body[:16], struct.unpack(">IB", body[16:21])
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    assert len(sealed) <= size
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    secret = _hkdf(auth, shared, b"WebPush: info\0" + point(key.public_key()) + sender, 32)
    content_key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
    plain = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert plain[-1:] == b"\x02"  # the last record
    return plain[:-1]


class Browser:
    """A push service and the keys of one browser. `status` and `headers` are its next answers."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.status = 201
        self.headers: dict[str, str] = {}
        self.got: list[tuple[dict[str, str], bytes]] = []
        browser = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                browser.got.append((dict(self.headers), body))
                self.send_response(browser.status)
                for name, value in {"Content-Length": "0", **browser.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/push/1"

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": base64url(point(self.key.public_key())), "auth": base64url(self.auth)}

    def read(self, body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(read(body, key=self.key, auth=self.auth))
        return found

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What the browser would show, oldest first."""
        return [self.read(body) for _, body in self.got]
