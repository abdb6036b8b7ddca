"""The key files in a backup: encrypted with a passphrase (scrypt and AES-256-GCM), never in the clear."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kith.core.backup.errors import BackupError

_MAGIC = b"kith-keys-1\n"
_COST = 2**16  # 64 MB and about a quarter of a second for each guess


def collect(files: Mapping[str, Path]) -> dict[str, bytes]:
    """The key files that are there, by the name under which a backup holds them."""
    return {name: path.read_bytes() for name, path in files.items() if path.exists()}


def seal(contents: Mapping[str, bytes], passphrase: str) -> bytes:
    salt, nonce = os.urandom(16), os.urandom(12)
    plain = json.dumps({name: base64.b64encode(data).decode() for name, data in contents.items()}).encode()
    return _MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, _MAGIC)


def unseal(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    """Raises BackupError when the passphrase is another one or the bytes were changed."""
    if not sealed.startswith(_MAGIC):
        raise BackupError("The keys in this backup are of a kind that this version of Kith does not know.")
    body = sealed[len(_MAGIC) :]
    salt, nonce, box = body[:16], body[16:28], body[28:]
    try:
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, box, _MAGIC)
    except InvalidTag as error:
        raise BackupError("The passphrase does not open the keys in this backup.") from error
    return {name: base64.b64decode(data) for name, data in json.loads(plain).items()}


def put_back(contents: Mapping[str, bytes], files: Mapping[str, Path]) -> list[Path]:
    """Write key files (0600); another one that is there is kept beside it. Returns the files kept."""
    kept = []
    for name, data in contents.items():
        path = files.get(name)
        if path is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.read_bytes() != data:
            aside = path.with_name(f"{path.name}.replaced-{int(time.time())}")
            path.rename(aside)
            kept.append(aside)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    return kept


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())
