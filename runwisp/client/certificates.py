"""Certificates of daemons in the network: trusted once, then pinned (spec: operations, TLS).

A daemon mostly has a certificate that it signed itself. The first one that is seen of a host is remembered,
and another one is refused until its line is taken out of the file. A certificate that an authority of the
system vouches for is renewed every few weeks, so it is not remembered.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

from attrs import frozen

from runwisp.errors import RunWispError


class CertificateChanged(RunWispError):
    def __init__(self, authority: str, pinned: str, seen: str, file: Path) -> None:
        super().__init__(f"the certificate of {authority} has changed")
        self.hints = [
            f"pinned: {pinned}",
            f"now:    {seen}",
            f"if that is meant, take the line of {authority} out of {file}",
        ]


@frozen
class Pins:
    """The fingerprints in ``file``, one ``host:port sha256:…`` a line.

    ``tell`` gets a sentence about each new one.
    """

    file: Path
    tell: Callable[[str], object]

    def get(self, authority: str) -> str | None:
        """The fingerprint of the certificate that ``authority`` had when it was first seen."""
        try:
            text = self.file.read_text()
        except FileNotFoundError:
            return None
        pairs = (line.split() for line in text.splitlines())
        return next((pair[1] for pair in pairs if len(pair) == 2 and pair[0] == authority), None)

    def add(self, authority: str, fingerprint: str) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "a") as file:
            file.write(f"{authority} {fingerprint}\n")
        self.tell(f"trusting the certificate of {authority} from now on: {fingerprint}")


class PinnedConnection(HTTPConnection):
    """HTTPS to a host whose certificate is vouched for, pinned, or seen for the first time.

    :raises CertificateChanged: on connecting
    """

    def __init__(self, host: str, port: int, timeout_s: float, authority: str, pins: Pins) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._authority = authority
        self._pins = pins

    def connect(self) -> None:
        pinned = self._pins.get(self._authority)
        if pinned is None:
            try:
                self._shake_hands(ssl.create_default_context())
            except ssl.SSLCertVerificationError:
                # Not self.close(), which would forget the request that is on its way.
                self.sock.close()
            else:
                return
        seen = self._shake_hands(any_certificate())
        if pinned is None:
            self._pins.add(self._authority, seen)
        elif seen != pinned:
            self.close()
            raise CertificateChanged(self._authority, pinned, seen, self._pins.file)

    def _shake_hands(self, context: ssl.SSLContext) -> str:
        """Open the connection; the fingerprint of the certificate at its other end."""
        super().connect()
        secure = context.wrap_socket(self.sock, server_hostname=self.host)
        self.sock = secure
        certificate = secure.getpeercert(binary_form=True)
        return "sha256:" + hashlib.sha256(certificate or b"").hexdigest()


def any_certificate() -> ssl.SSLContext:
    """A context that leaves the judgement to the pin."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
