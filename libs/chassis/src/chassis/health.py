"""Whether this process can do its work: every supervised part says so; readiness is what it needs of them."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from chassis.metrics import READY

logger = logging.getLogger(__name__)


@dataclass
class Health:
    """The parts of a process and what is wrong with each (None: nothing).

    A process is ready when all of `needed` works, by default every part, and it is not leaving.
    """

    parts: dict[str, str | None] = field(default_factory=dict)
    needed: Collection[str] | None = None
    leaving: bool = False

    @property
    def ready(self) -> bool:
        """True when others may send it work."""
        needed = self.parts if self.needed is None else self.needed
        return not self.leaving and not any(self.parts.get(part, "starting") for part in needed)

    def leave(self) -> None:
        """Note that the process was told to stop: it finishes what it has, and is sent nothing more."""
        self.leaving = True

    def starting(self, part: str) -> None:
        """Expect a part that has not yet said whether it works."""
        self.parts.setdefault(part, "starting")
        READY.labels(part).set(0)

    def up(self, part: str) -> None:
        """Note that a part works; said in the log when it did not before."""
        if self.parts.get(part):
            logger.info("%s works again", part)
        self.parts[part] = None
        READY.labels(part).set(1)

    def down(self, part: str, reason: object) -> None:
        """Note that a part does not work, and why; said in the log once."""
        if self.parts.get(part) is None:
            logger.warning("%s does not work: %s", part, reason)
        self.parts[part] = str(reason) or type(reason).__name__
        READY.labels(part).set(0)
