"""Ask again where no verdict has come; owners answer with what is."""

from datetime import timedelta

from chassis.clock import Clock
from gateway.application.ports import Transaction

SENT_AGAIN_AFTER = timedelta(minutes=1)
BATCH = 100


async def resend_requests(transaction: Transaction, clock: Clock) -> bool:
    """Send what has waited for a minute under a new message id; True when there may be more."""
    now = clock()
    async with transaction() as work:
        waiting = await work.requests.unanswered(now - SENT_AGAIN_AFTER, now, BATCH)
        for request_id, message in waiting:
            work.outbox.say(message, request_id)
    return len(waiting) == BATCH
