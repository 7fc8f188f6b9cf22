from billing.application.ports import Transaction
from billing.domain.plans import offers


async def publish_offers(transaction: Transaction, *, again: bool = False) -> None:
    """Say what is on offer when it is not what was said last; `again` to those who repair what they keep."""
    async with transaction() as work:
        last = await work.offers.last()
        version = last.version if last else 0
        if last is None or offers(version) != last:
            await work.offers.save(offers(version + 1))
            work.outbox.add(offers(version + 1))
        elif again:
            work.outbox.announce(last)
