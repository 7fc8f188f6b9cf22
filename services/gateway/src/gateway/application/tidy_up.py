"""Forget what nobody may ask for any more."""

from datetime import timedelta

from chassis.clock import Clock
from gateway.application.ports import Transaction
from gateway.domain.activity import ACTIVITY_LIVES
from gateway.domain.letters import PARKED_LIVE
from gateway.domain.requests import KEYS_LIVE

EVENTS_LIVE = timedelta(days=30)
THROTTLES_LIVE = timedelta(days=1)
PICTURES_LIVE = timedelta(days=1)


async def tidy_up(transaction: Transaction, clock: Clock) -> None:
    """Drop what is old: idempotency keys, sessions, events, deliveries, counters, pictures shown no more."""
    now = clock()
    async with transaction() as work:
        await work.requests.forget(now - KEYS_LIVE)
        await work.sessions.forget(now)
        await work.invitations.forget(now)
        await work.proofs.forget(now)
        await work.post.forget(now - PARKED_LIVE)
        await work.activity.forget(now - ACTIVITY_LIVES)
        await work.documents.forget_pictures(now - PICTURES_LIVE)
        await work.throttles.prune(now - THROTTLES_LIVE)
        await work.log.prune(now - EVENTS_LIVE)
        await work.deliveries.forget(now - EVENTS_LIVE)
