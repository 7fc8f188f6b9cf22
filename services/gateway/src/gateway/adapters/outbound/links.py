"""Signed links, made again only when half of their life is over, so that clients can cache what they show."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.clock import Clock
from gateway.application.ports import UploadLink

LINKS_LIVE = timedelta(hours=1)
_REMEMBERED = 10_000
_SHORTEST = timedelta(seconds=1)
Sign = Callable[[str, datetime, datetime, str | None], str]
"""Signs a link to a key, from now until then, that shows the object, or saves it under a name."""


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Signing is arithmetic: nobody is asked, and nothing is stored but in memory."""

    sign: Sign
    put: Callable[[str, str, int], UploadLink]
    clock: Clock
    _signed: OrderedDict[tuple[str, str | None], tuple[datetime, datetime | None, str]] = field(
        default_factory=OrderedDict, init=False
    )

    def read(self, key: str) -> str:
        """Sign a link that shows an object that is there for good."""
        now = self.clock()
        return self._known(key, None, None, now) or self._new(key, None, None, now)

    def lend(self, key: str, until: datetime | None, name: str | None = None) -> str | None:
        """Sign a link that shows an object at most until then, or saves it as `name`; None when over."""
        now = self.clock()
        if known := self._known(key, until, name, now):
            return known
        if until is not None and until - now < _SHORTEST:
            return None
        return self._new(key, until, name, now)

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size."""
        return self.put(key, content_type, size)

    def _known(self, key: str, until: datetime | None, name: str | None, now: datetime) -> str | None:
        known = self._signed.get((key, name))
        return known[2] if known and known[0] > now and known[1] == until else None

    def _new(self, key: str, until: datetime | None, name: str | None, now: datetime) -> str:
        end = min(now + LINKS_LIVE, until) if until else now + LINKS_LIVE
        link = self.sign(key, now, end, name)
        self._signed[key, name] = (now + (end - now) / 2, until, link)
        self._signed.move_to_end((key, name))
        while len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)
        return link


def disposition(name: str) -> str:
    """Tell a browser to save what it gets under this name (letters, digits, dots and dashes)."""
    return f'attachment; filename="{name}"'
