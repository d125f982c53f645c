"""What the API says about logins and sessions."""

from __future__ import annotations

from attrs import frozen

from runwisp.model import UnixMs


@frozen(kw_only=True)
class AuthStatus:
    auth_required: bool
    authenticated: bool
    expires_at: UnixMs | None


@frozen(kw_only=True)
class Challenge:
    nonce: str
    expires_in: int


@frozen(kw_only=True)
class Session:
    token: str
    expires_at: UnixMs


@frozen(kw_only=True)
class LaunchTicket:
    ticket: str
    expires_in: int


@frozen(kw_only=True)
class Credentials:
    password: str
