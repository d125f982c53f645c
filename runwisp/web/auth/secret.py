"""The secret that signs tokens, which lasts as long as the password (spec: rest, token)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from sqlite3 import Cursor

from runwisp.store import marks

_SECRET_KEY = "jwt_secret"
_HASH_KEY = "password_hash"
#: They take 16 MiB and some fifty milliseconds.
_N, _R, _P = 2**14, 8, 1
_SALT_BYTES = 16


def settle(cursor: Cursor, password: str) -> bytes:
    """The stored secret, or a new one if the password differs from that of the start before.

    Takes the time of a scrypt.
    """
    secret, known = (marks.config_entry(cursor, key) for key in (_SECRET_KEY, _HASH_KEY))
    # One scrypt, also for a new password: the C library would keep the memory of a second for good.
    digest = hashed(password, salt_of(known or ""))
    if secret is not None and known is not None and hmac.compare_digest(digest.encode(), known.encode()):
        return bytes.fromhex(secret)
    new = secrets.token_bytes(32)
    marks.set_config_entry(cursor, _SECRET_KEY, new.hex())
    marks.set_config_entry(cursor, _HASH_KEY, digest)
    return new


def hashed(password: str, salt: bytes) -> str:
    """What is kept of a password: ``scrypt$N$r$p$salt$hash``, the last two in hexadecimal digits."""
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${digest.hex()}"


def salt_of(known: str) -> bytes:
    """The salt in what is kept of a password; a new one if there is none."""
    try:
        salt = bytes.fromhex(known.rpartition("$")[0].rpartition("$")[2])
    except ValueError:
        salt = b""
    return salt if len(salt) == _SALT_BYTES else secrets.token_bytes(_SALT_BYTES)
