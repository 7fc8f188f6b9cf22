"""Count attempts in a transaction of their own, so that they count whatever comes of them."""

from collections.abc import Mapping
from datetime import datetime

from gateway.application.ports import Transaction
from gateway.domain.throttle import Throttle


async def throttled(transaction: Transaction, now: datetime, attempts: Mapping[Throttle, str]) -> None:
    """Count one attempt of each subject under its throttle. Raises TooManyAttempts."""
    async with transaction() as work:
        counts = {
            throttle: await work.throttles.hit(throttle.key(subject), throttle.window_start(now))
            for throttle, subject in sorted(attempts.items(), key=lambda item: item[0].name)
        }
    for throttle, count in counts.items():
        throttle.check(count, now)
