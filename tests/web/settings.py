"""The ``[daemon]`` section of a configuration that says nothing."""

from __future__ import annotations

from runwisp.config.settings import DaemonSettings, Tls
from runwisp.model import Seconds

SETTINGS = DaemonSettings(
    shutdown_timeout=Seconds(10),
    external_url=None,
    allowed_hosts=(),
    metrics_enabled=False,
    metrics_listen=None,
    tls=Tls.OFF,
    tls_cert=None,
    tls_key=None,
    trusted_proxies=(),
    include=(),
)
