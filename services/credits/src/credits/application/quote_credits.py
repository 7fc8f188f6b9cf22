from collections.abc import Sequence

from chassis.clock import Clock
from contracts.credits import QuoteCredits
from contracts.envelope import Delivery
from credits.application.announce import Answer, announce
from credits.application.ports import Alarms, Transaction, Wanted
from credits.domain.books import ConflictingContent
from credits.domain.quoting import quote


async def quote_credits(
    deliveries: Sequence[Delivery[QuoteCredits]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Offer each team what it asks about, at prices that bind for a while."""
    answers: list[Answer] = []
    async with transaction() as work:
        # The accounts are locked as for a hold, so that one request asked twice at once gets one offer.
        books = await work.bookkeeper.open(_wanted(deliveries))
        now = clock()
        prices = await work.prices.at(now)
        for delivery in deliveries:
            try:
                offer = quote(books, prices, delivery.message, delivery.message_id, now)
            except ConflictingContent as conflict:
                alarms.conflict(delivery.message, str(conflict))
                continue
            if offer is not None:
                answers.append((offer, delivery))
        await work.bookkeeper.save(books)
        announce(work.outbox, books, answers, deliveries)


def _wanted(deliveries: Sequence[Delivery[QuoteCredits]]) -> Wanted:
    commands = [delivery.message for delivery in deliveries]
    return Wanted(
        teams={command.team_id for command in commands}, quotes={command.request_id for command in commands}
    )
