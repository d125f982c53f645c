"""The tokens of sessions (spec: rest, token)."""

from __future__ import annotations

from attrs import field, frozen

from runwisp.lean import without
from runwisp.model import Seconds, UnixMs

with without("cryptography"):
    import jwt

LIFETIME = Seconds(86_400)
_ALGORITHM = "HS256"
_ISSUER = "runwisp"
_AUDIENCE = "runwisp-api"
#: Ours are less than half as long. What is longer is not even parsed: its JSON might be nested too deeply.
_LONGEST = 512


@frozen
class Token:
    text: str = field(repr=False)
    ends_at: UnixMs


@frozen
class Tokens:
    """Issues tokens, and knows its own again; ``secret`` is what makes them its own."""

    secret: bytes = field(repr=False)

    def issue(self, now: UnixMs) -> Token:
        issued_at = now // 1000
        ends_at = issued_at + int(LIFETIME)
        claims = {"iss": _ISSUER, "aud": _AUDIENCE, "iat": issued_at, "exp": ends_at}
        return Token(jwt.encode(claims, self.secret, _ALGORITHM), UnixMs(ends_at * 1000))

    def ends_at(self, text: str, now: UnixMs) -> UnixMs | None:
        """When the session of a token ends; None if it is not ours, or has ended."""
        if len(text) > _LONGEST or not text.isascii():
            return None
        try:
            claims = jwt.decode(
                text,
                self.secret,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                # The clock is ours to look at; one that stepped back makes no token void.
                options={
                    "require": ["iss", "aud", "iat", "exp"],
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.PyJWTError:
            return None
        ends_at = claims["exp"]
        return UnixMs(ends_at * 1000) if isinstance(ends_at, int) and now < ends_at * 1000 else None
