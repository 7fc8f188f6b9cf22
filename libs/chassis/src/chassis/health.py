"""Whether this process can do its work: every supervised part says so, readiness is all of them."""

import logging
from dataclasses import dataclass, field

from chassis.metrics import READY

logger = logging.getLogger(__name__)


@dataclass
class Health:
    """The parts of a process and what is wrong with each (None: nothing)."""

    parts: dict[str, str | None] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """True when every part works."""
        return not any(self.parts.values())

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
