"""Objects that nothing refers to any more are deleted, after the commit and until it has worked."""

import logging
from collections.abc import Sequence

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
        found = await _found(keys, storage)
        refused = await storage.delete([key for below in found.values() for key in below])
    except StorageUnavailable:
        return False
    if refused:
        logger.error("%d objects could not be deleted, %s among them", len(refused), min(refused))
    async with transaction() as work:
        # A folder is done once it is found empty: what is in it now is deleted now, and looked for again.
        done = [key for key, below in found.items() if below == [key] or not below]
        await work.discards.done([key for key in done if key not in refused])
    return len(keys) == AT_ONCE


async def _found(keys: Sequence[str], storage: Storage) -> dict[str, list[str]]:
    """Find what each stands for: a folder for what is below it, a key for itself."""
    return {key: await storage.keys(key) if key.endswith("/") else [key] for key in keys}
