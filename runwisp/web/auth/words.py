"""Random words that nobody can guess."""

from __future__ import annotations

import secrets
import string

_BASE_62 = string.digits + string.ascii_letters


def base_62(length: int) -> str:
    """Digits and letters from the system's source; 43 of them hold 256 bits, 22 hold 131."""
    return "".join(secrets.choice(_BASE_62) for _ in range(length))


def nonce() -> str:
    return secrets.token_hex(32)


def ticket() -> str:
    return base_62(43)


def password() -> str:
    return base_62(22)
