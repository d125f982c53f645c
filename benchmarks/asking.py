"""Requests to a daemon, one after the other on one connection to its socket."""

from __future__ import annotations

import http.client
import json
import socket
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.contest import MeasurementFailed


class Connection(http.client.HTTPConnection):
    """A connection to the Unix socket ``path``, which stays open."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))

    def get(self, path: str) -> bytes:
        """
        :raises MeasurementFailed: the answer is not 200
        """
        self.request("GET", path)
        response = self.getresponse()
        body = response.read()
        if response.status != 200:
            raise MeasurementFailed(f"GET {path}: {response.status} {body.decode()}")
        return body

    def json(self, path: str) -> Any:  # Any: JSON of any shape
        return json.loads(self.get(path))

    def times_ms(self, path: str, count: int) -> list[float]:
        """How long each of ``count`` answers takes, from the first byte sent to the last one received."""
        times = []
        for _ in range(count):
            began_s = time.perf_counter()
            self.get(path)
            times.append((time.perf_counter() - began_s) * 1000)
        return times


def middle(times: list[float]) -> float:
    return quantiles(times, n=2)[0]


def slowest_hundredth(times: list[float]) -> float:
    """The time that 99 of 100 do not reach."""
    return quantiles(times, n=100)[98]
