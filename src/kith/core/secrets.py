"""Secrets at rest: AES-256-GCM with a key file that lies outside the database (KITH_KEY_FILE).

A value is `version | key id | nonce | ciphertext`. The key file may hold several lines, newest first: values are written
with the first and read with any, so that a key can be replaced.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = b"\x01"


class SecretsUnreadable(Exception):
    """The key file is missing, or none of its keys fits what is in the database."""


def _key_path() -> Path:
    path: Path = settings.KITH.secrets_key_path
    return path


def ensure_key() -> Path:
    """Make the key file (0600) if there is none; two processes may race, one key wins."""
    path = _key_path()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(AESGCM.generate_key(256)) + b"\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path


@lru_cache(maxsize=4)
def _keys(path: Path) -> tuple[tuple[bytes, bytes], ...]:
    try:
        lines = path.read_bytes().split()
    except OSError as error:
        raise SecretsUnreadable(f"The key file {path} can't be read: {error.strerror}.") from error
    keys = tuple((hashlib.sha256(line).digest()[:4], base64.b64decode(line)) for line in lines)
    if not keys or any(len(key) != 32 for _, key in keys):
        raise SecretsUnreadable(f"The key file {path} does not hold 32-byte keys in base64.")
    return keys


def encrypt(plain: bytes) -> bytes:
    key_id, key = _keys(ensure_key())[0]
    nonce = os.urandom(12)
    return VERSION + key_id + nonce + AESGCM(key).encrypt(nonce, plain, VERSION + key_id)


def decrypt(stored: bytes) -> bytes:
    """Raises SecretsUnreadable when no key fits or the value was changed."""
    version, key_id, nonce, body = stored[:1], stored[1:5], stored[5:17], stored[17:]
    for candidate, key in _keys(_key_path()):
        if version == VERSION and candidate == key_id:
            try:
                return AESGCM(key).decrypt(nonce, body, version + key_id)
            except InvalidTag as error:
                raise SecretsUnreadable("A stored secret was changed or damaged.") from error
    raise SecretsUnreadable("A stored secret was written with a key that the key file does not hold.")


def encrypt_dict(values: dict[str, str]) -> bytes:
    return encrypt(json.dumps(values).encode())


def decrypt_dict(stored: bytes) -> dict[str, str]:
    loaded: dict[str, str] = json.loads(decrypt(stored))
    return loaded


def keyed_hash(text: str, *, purpose: str) -> str:
    """A hash that only this installation can compute: what survives an erasure without saying who it was."""
    return _hashed(_keys(ensure_key())[-1][1], text, purpose)


def keyed_hashes(text: str, *, purpose: str) -> list[str]:
    """The same by every key of the file, that of `keyed_hash` first: what was hashed before a key was put below it."""
    return [_hashed(key, text, purpose) for _, key in reversed(_keys(ensure_key()))]


def key_marks() -> list[str]:
    """What tells keys apart without saying them; the first is that of `keyed_hash`."""
    return [mark[:16] for mark in keyed_hashes("", purpose="key mark")]


def _hashed(key: bytes, text: str, purpose: str) -> str:
    return hmac.new(key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def keyed_hash_each(texts: Iterable[str], *, purpose: str) -> list[str]:
    """`keyed_hash` of many: the key is read once."""
    begun = hmac.new(_keys(ensure_key())[-1][1], f"{purpose}\0".encode(), hashlib.sha256)
    found = []
    for text in texts:
        one = begun.copy()
        one.update(text.encode())
        found.append(one.hexdigest())
    return found
