"""Objects that nothing refers to any more are deleted, after the commit and until it has worked."""

import logging

from chassis.clock import Clock
from jobs.application.ports import Storage, StorageUnavailable
from jobs.application.work import Transaction
from jobs.domain.rules import Rules

logger = logging.getLogger(__name__)
AT_ONCE = 1_000


async def discard_objects(transaction: Transaction, storage: Storage, clock: Clock, rules: Rules) -> bool:
    """Delete the objects that are due; True when there may be more.

    A crash in between, or a store that is away, leaves the keys: they are taken again after their lease.
    """
    async with transaction() as work:
        keys = await work.discards.take(clock(), clock() + rules.object_lease, AT_ONCE)
    if not keys:
        return False
    try:
        refused = await storage.delete(keys)
    except StorageUnavailable:
        return False
    if refused:
        logger.error("%d objects could not be deleted, %s among them", len(refused), min(refused))
    async with transaction() as work:
        await work.discards.done([key for key in keys if key not in refused])
    return len(keys) == AT_ONCE
