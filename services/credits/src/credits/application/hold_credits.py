from collections.abc import Sequence

from chassis.clock import Clock
from contracts.credits import HoldCredits
from contracts.envelope import Delivery
from credits.application.announce import Answer, announce
from credits.application.ports import Alarms, Transaction, Wanted
from credits.domain.books import ConflictingContent, KeyWindow
from credits.domain.holding import hold


async def hold_credits(
    deliveries: Sequence[Delivery[HoldCredits]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Set credits aside for every order of a request, or record why that cannot be done."""
    answers: list[Answer] = []
    async with transaction() as work:
        books = await work.bookkeeper.open(_wanted(deliveries))
        now = clock()
        prices = await work.prices.at(now)
        for delivery in deliveries:
            try:
                verdict = hold(books, prices, delivery.message, delivery.message_id, now)
            except ConflictingContent as conflict:
                alarms.conflict(delivery.message, str(conflict))
                continue
            if verdict is not None:
                answers.append((verdict, delivery))
        await work.bookkeeper.save(books)
        announce(work.outbox, books, answers, deliveries)


def _wanted(deliveries: Sequence[Delivery[HoldCredits]]) -> Wanted:
    commands = [delivery.message for delivery in deliveries]
    return Wanted(
        teams={command.team_id for command in commands},
        requests={command.request_id for command in commands},
        jobs={order.job_id for command in commands for order in command.orders},
        keys={KeyWindow.of(command.terms.api_key) for command in commands if command.terms.api_key},
        quotes={command.terms.quote_id for command in commands if command.terms.quote_id},
    )
