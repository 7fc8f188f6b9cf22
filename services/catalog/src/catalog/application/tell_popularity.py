from datetime import timedelta

from catalog.application.ports import Transaction
from catalog.domain.collection import retold
from chassis.clock import Clock

AT_MOST_EVERY = timedelta(minutes=1)


async def tell_popularity(transaction: Transaction, clock: Clock) -> None:
    """Say how often each curated model has been used, if that has changed, at most once a minute each."""
    async with transaction() as work:
        documents = [
            retold(document) for document in await work.references.lock_untold(clock() - AT_MOST_EVERY)
        ]
        for document in documents:
            work.outbox.add(document)
        await work.references.save(documents, clock())
