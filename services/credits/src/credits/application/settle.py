"""How capture and release carry their decisions out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from chassis.clock import Clock
from contracts.credits import CaptureCredits, CreditsSettled, ReleaseCredits
from contracts.envelope import Delivery
from credits.application.announce import Answer, announce
from credits.application.ports import Alarms, Transaction, Wanted
from credits.domain.books import Books, ConflictingContent

Settling = TypeVar("Settling", CaptureCredits, ReleaseCredits)
Decide = Callable[[Books, Settling, UUID, datetime], CreditsSettled | None]


async def settle(
    deliveries: Sequence[Delivery[Settling]],
    decide: Decide[Settling],
    transaction: Transaction,
    alarms: Alarms,
    clock: Clock,
) -> None:
    """Decide each hold in one transaction and say how it ended."""
    answers: list[Answer] = []
    async with transaction() as work:
        books = await work.bookkeeper.open(_wanted(deliveries))
        now = clock()
        for delivery in deliveries:
            try:
                settled = decide(books, delivery.message, delivery.message_id, now)
            except ConflictingContent as conflict:
                alarms.conflict(delivery.message, str(conflict))
                continue
            if settled is not None:
                answers.append((settled, delivery))
        await work.bookkeeper.save(books)
        announce(work.outbox, books, answers, deliveries)


def _wanted(deliveries: Sequence[Delivery[Settling]]) -> Wanted:
    commands = [delivery.message for delivery in deliveries]
    return Wanted(
        teams={command.team_id for command in commands}, jobs={command.job_id for command in commands}
    )
