"""All that the daemon listens at: bound early, opened when there is somebody to answer, closed in the end.

Spec: rest, TLS and Unix socket; runtime, boot sequence; operations, TLS.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen
from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger

from runwisp.config.settings import DaemonSettings, Tls
from runwisp.errors import CannotListen
from runwisp.web.listen.entrance import OwnUserOnly, TlsOrPlain
from runwisp.web.listen.ports import accept_control, accept_tcp
from runwisp.web.listen.sockets import ControlSocket, bind_control, bind_tcp, is_loopback, url_host

if TYPE_CHECKING:
    from runwisp.web.listen.certificate import Pair
    from runwisp.web.listen.tls import Credentials

#: Names under which a daemon is called on its own machine.
_LOCAL_NAMES = ("127.0.0.1", "::1", "localhost")


@frozen
class Places:
    """Where to listen; ``tls`` is the directory of the daemon's own certificate."""

    host: str
    port: int
    socket: Path
    tls: Path


class Listeners:
    """TCP, the control socket and, where one is configured, the listener of the metrics."""

    log = Logger()

    def __init__(
        self,
        reactor: PosixReactorBase,
        places: Places,
        settings: DaemonSettings,
        wall: Callable[[], float],
    ) -> None:
        self.reactor = reactor
        self._wall = wall
        self._places = places
        self._settings = settings
        self._tcp: list[socket.socket] = []
        self._metrics: list[socket.socket] = []
        self._control: ControlSocket | None = None
        self._credentials: Credentials | None = None
        self._ports: list[IListeningPort] = []

    @property
    def is_tls(self) -> bool:
        """The daemon serves TLS itself."""
        return self._credentials is not None

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the certificate that new connections are shown, in hexadecimal; None without TLS."""
        return self._credentials.fingerprint if self._credentials is not None else None

    @property
    def url(self) -> str:
        scheme = "https" if self.is_tls else "http"
        return f"{scheme}://{url_host(self._places.host)}:{self._places.port}"

    def bind(self) -> None:
        """Take every address; connections wait until :meth:`open`.

        :raises CannotListen: one of them cannot be had, or TLS is configured and cannot be served; what was
            taken until then is let go by :meth:`abandon`
        """
        places, settings = self._places, self._settings
        self._tcp = bind_tcp(places.host, places.port)
        if settings.metrics_listen is not None:
            host, _, port = settings.metrics_listen.rpartition(":")
            self._metrics = bind_tcp(host.strip("[]"), int(port), "[daemon] metrics_listen")
        self._control = bind_control(places.socket)
        is_local = all(is_loopback(listening.getsockname()[0]) for listening in self._tcp)
        if settings.tls_cert is not None or (settings.tls is Tls.AUTO and not is_local):
            from runwisp.web.listen.tls import Credentials

            self._credentials = Credentials(self._find_pair)
            self.log.info("serving TLS", fingerprint=f"sha256:{self._credentials.fingerprint}")
        elif not is_local and not settings.trusted_proxies:
            self.log.warn(
                "PLAIN HTTP BEYOND THIS MACHINE: whoever is on the way can read sessions and output; set"
                ' [daemon] tls = "auto", or trusted_proxies if a proxy of yours serves TLS',
                host=places.host,
            )

    def open(self, site: IProtocolFactory, metrics: IProtocolFactory | None) -> None:
        """Accept connections, also those that have waited; ``metrics`` answers at the listener of its own."""
        assert self._control is not None
        reactor = self.reactor
        tcp: IProtocolFactory = site
        if self._credentials is not None:
            from runwisp.web.listen.redirect import to_https
            from runwisp.web.listen.tls import over_tls

            tcp = TlsOrPlain(over_tls(self._credentials, site, reactor), to_https(reactor), reactor)
        control = OwnUserOnly(site, os.geteuid())
        self._ports = [accept_tcp(reactor, listening, tcp) for listening in self._tcp]
        self._ports.append(accept_control(reactor, self._control.listening, control))
        if metrics is not None:
            self._ports += [accept_tcp(reactor, listening, metrics) for listening in self._metrics]

    def refresh(self) -> None:
        """Show new connections the certificate that is in the files by now, unless it is a bad one."""
        if self._credentials is None:
            return
        before = self._credentials.fingerprint
        try:
            self._credentials.load()
        except CannotListen as error:
            self.log.error("the certificate stays as it is: {error}", error=error)
        if self._credentials.fingerprint != before:
            self.log.info("certificate replaced", fingerprint=f"sha256:{self._credentials.fingerprint}")

    def abandon(self) -> None:
        """Let go of everything that was bound, if it has not been opened."""
        for listening in (*self._tcp, *self._metrics):
            listening.close()
        if self._control is not None:
            self._control.remove()
            if not self._ports:
                self._control.listening.close()

    async def close(self) -> None:
        """Accept nothing more, and remove the control socket."""
        self.abandon()
        await DeferredList([maybeDeferred(port.stopListening) for port in self._ports])
        self._ports.clear()

    def _find_pair(self) -> Pair:
        from runwisp.web.listen.certificate import Pair, self_signed

        settings = self._settings
        if settings.tls_cert is not None and settings.tls_key is not None:
            return Pair(Path(settings.tls_cert), Path(settings.tls_key))
        names = (self._places.host, *_LOCAL_NAMES, socket.gethostname())
        return self_signed(self._places.tls, names, datetime.fromtimestamp(self._wall(), UTC))
