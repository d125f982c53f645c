"""Words that are good once and not for long: nonces of logins and tickets of browsers.

Spec: rest, challenge and launch tickets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from attrs import define, field

from runwisp.model import Seconds


@define
class SingleUse:
    """Hands out words and takes each back at most once, less than ``life`` after it was handed out.

    At most ``most`` are outstanding; one more, and the oldest is forgotten. Times are monotonic seconds.
    """

    draw: Callable[[], str]
    life: Seconds
    most: int
    # By digest, so that how long a look-up takes tells nothing about a word that is outstanding.
    _issued_at: dict[bytes, float] = field(factory=dict, init=False)

    def issue(self, now_s: float) -> str:
        while len(self._issued_at) >= self.most:
            del self._issued_at[next(iter(self._issued_at))]
        word = self.draw()
        self._issued_at[_digest(word)] = now_s
        return word

    def take(self, word: str, now_s: float) -> bool:
        """Whether ``word`` was outstanding; it is not any more, whatever the answer."""
        issued_at = self._issued_at.pop(_digest(word), None)
        return issued_at is not None and now_s - issued_at < self.life

    def __len__(self) -> int:
        return len(self._issued_at)


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
