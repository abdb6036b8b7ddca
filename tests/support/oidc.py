"""A small OpenID Connect issuer on loopback: discovery, keys, the code flow with PKCE, userinfo. Strict about what it is
asked, and able to lie where a test wants to see a lie found out."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "kith-client", "a secret of the issuer"
Claims = dict[str, Any]


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """`person` is who signs in there; the functions change what it says."""

    url: str = ""
    person: Claims = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=_key)
    sign: Callable[[Issuer, Claims], str] | None = None
    claims: Callable[[Claims], Claims] = lambda c: c
    discovery: Callable[[Claims], Claims] = lambda c: c
    userinfo: Callable[[Claims], Claims] = lambda c: c
    asked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    redirect_uris: set[str] = field(default_factory=set)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, Claims] = field(default_factory=dict)

    def token(self, claims: Claims) -> str:
        if self.sign is not None:
            return self.sign(self, claims)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k1"})


def _page(it: Issuer, query: dict[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in query.items()
    )
    return (
        f"<!doctype html><html lang=en><title>Issuer</title><h1>Issuer</h1><form method=post>{hidden}"
        f"<button>Sign in as {html.escape(str(it.person.get('email')))}</button></form></html>"
    )


def _handler(it: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def _send(self, status: int, body: str, kind: str = "application/json", **headers: str) -> None:
            raw = body.encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(raw)),
                "Connection": "close",
            }.items():
                self.send_header(name, value)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def _refuse(self, why: str) -> None:
            it.problems.append(why)
            self._send(400, json.dumps({"error": "invalid_request", "error_description": why}))

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            it.asked.append(f"GET {path}")
            if path == "/.well-known/openid-configuration":
                self._send(200, json.dumps(it.discovery(_discovery(it.url))))
            elif path == "/jwks":
                self._send(200, json.dumps({"keys": [_jwk(it.key)]}))
            elif path == "/authorize":
                self._send(200, _page(it, _one(urlsplit(self.path).query)), "text/html")
            elif path == "/userinfo":
                claims = it.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
                if claims is None:
                    self._send(401, "{}")
                else:
                    self._send(200, json.dumps(it.userinfo(dict(claims))))
            else:
                self._send(404, "{}")

        def do_POST(self) -> None:
            path = urlsplit(self.path).path
            it.asked.append(f"POST {path}")
            given = _one(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            if path == "/authorize":
                self._authorize(given)
            elif path == "/token":
                self._token(given)
            else:
                self._send(404, "{}")

        def _authorize(self, given: dict[str, str]) -> None:
            wanted = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
            for name, value in wanted.items():
                if given.get(name) != value:
                    return self._refuse(f"{name} is {given.get(name)!r}")
            if not given.get("code_challenge") or not given.get("state"):
                return self._refuse("no challenge or state")
            if "openid" not in given.get("scope", "").split():
                return self._refuse(f"scope is {given.get('scope')!r}")
            if it.redirect_uris and given.get("redirect_uri") not in it.redirect_uris:
                return self._refuse(f"redirect_uri is {given.get('redirect_uri')!r}")
            code = secrets.token_urlsafe(16)
            it.codes[code] = given
            back = urlencode({"code": code, "state": given["state"]})
            self._send(303, "", "text/plain", Location=f"{given['redirect_uri']}?{back}")
            return None

        def _token(self, given: dict[str, str]) -> None:
            asked = it.codes.pop(given.get("code", ""), None)  # once
            if asked is None:
                return self._refuse("unknown code")
            if (given.get("client_id"), given.get("client_secret")) != (CLIENT, SECRET):
                return self._refuse("client")
            if given.get("redirect_uri") != asked["redirect_uri"]:
                return self._refuse("redirect_uri differs")
            digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                return self._refuse("verifier")
            now = int(time.time())
            claims = it.claims({"iss": it.url, "aud": CLIENT, "iat": now, "exp": now + 300, **it.person})
            access = secrets.token_urlsafe(16)
            it.tokens[access] = dict(it.person)
            answer = {"access_token": access, "token_type": "Bearer", "id_token": it.token(claims)}
            self._send(200, json.dumps(answer))
            return None

    return Handler


def _one(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _discovery(url: str) -> Claims:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "userinfo_endpoint": f"{url}/userinfo",
        "jwks_uri": f"{url}/jwks",
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }


def _jwk(key: rsa.RSAPrivateKey) -> Claims:
    found: Claims = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return {**found, "kid": "k1", "use": "sig", "alg": "RS256"}


@contextmanager
def running() -> Iterator[Issuer]:
    it = Issuer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(it))
    server.daemon_threads = True
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
