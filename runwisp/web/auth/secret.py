"""The secret that signs tokens, which lasts as long as the password (spec: rest, token)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from sqlite3 import Cursor

from runwisp.store import marks

_SECRET_KEY = "jwt_secret"
_HASH_KEY = "password_hash"
#: One try takes 16 MiB and some fifty milliseconds.
_N, _R, _P = 2**14, 8, 1
_SALT_BYTES = 16


def settle(cursor: Cursor, password: str) -> bytes:
    """The stored secret, or a new one if the password differs from that of the start before.

    Takes the time of a scrypt or two.
    """
    stored = marks.config_entry(cursor, _SECRET_KEY)
    known = marks.config_entry(cursor, _HASH_KEY)
    if stored is not None and known is not None and matches(password, known):
        return bytes.fromhex(stored)
    secret = secrets.token_bytes(32)
    marks.set_config_entry(cursor, _SECRET_KEY, secret.hex())
    marks.set_config_entry(cursor, _HASH_KEY, hashed(password, secrets.token_bytes(_SALT_BYTES)))
    return secret


def hashed(password: str, salt: bytes) -> str:
    """What is kept of a password: ``scrypt$N$r$p$salt$hash``, the last two in hexadecimal digits."""
    digest = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${digest.hex()}"


def matches(password: str, known: str) -> bool:
    """Whether ``known`` is kept of ``password``; what was made with other parameters is not."""
    salt = known.rpartition("$")[0].rpartition("$")[2]
    try:
        return hmac.compare_digest(hashed(password, bytes.fromhex(salt)), known)
    except ValueError:
        return False
