import logging
from dataclasses import dataclass

from prometheus_client import Counter

from contracts.message import Message

logger = logging.getLogger(__name__)
CONFLICTS = Counter("atelier_credits_conflicts_total", "Ids that came again with other content", ["type"])


@dataclass(frozen=True, slots=True)
class LoggedAlarms:
    """Counts for the alert rule and logs for whoever it wakes."""

    def conflict(self, about: Message, why: str) -> None:
        """Report that an id came again with other content and nothing was applied."""
        CONFLICTS.labels(about.type).inc()
        logger.error("conflict: %s %s: %s", about.type, about.subject, why)
