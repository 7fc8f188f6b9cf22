"""How facts about payments are carried out."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from chassis.clock import Clock
from contracts.billing import PaymentDisputed, PaymentRefunded, PeriodOpened, TopUpPaid
from contracts.envelope import Delivery
from credits.application.announce import announce
from credits.application.ports import Alarms, Transaction, Wanted
from credits.domain.books import Books, ConflictingContent

Grant = TypeVar("Grant", PeriodOpened, TopUpPaid)
Claim = TypeVar("Claim", PaymentRefunded, PaymentDisputed)
Paid = TypeVar("Paid", PeriodOpened, TopUpPaid, PaymentRefunded, PaymentDisputed)


async def book_grants(
    deliveries: Sequence[Delivery[Grant]],
    decide: Callable[[Books, Grant, datetime], None],
    transaction: Transaction,
    alarms: Alarms,
    clock: Clock,
) -> None:
    """Book what brings credits, in one transaction."""
    grants = {delivery.message.source_ref for delivery in deliveries}
    await _book(deliveries, decide, transaction, alarms, clock, grants, ())


async def book_claims(
    deliveries: Sequence[Delivery[Claim]],
    decide: Callable[[Books, Claim, datetime], None],
    transaction: Transaction,
    alarms: Alarms,
    clock: Clock,
) -> None:
    """Book what takes credits back, in one transaction."""
    grants = {delivery.message.grant_ref for delivery in deliveries}
    claims = {delivery.message.source_ref for delivery in deliveries}
    await _book(deliveries, decide, transaction, alarms, clock, grants, claims)


async def _book(
    deliveries: Sequence[Delivery[Paid]],
    decide: Callable[[Books, Paid, datetime], None],
    transaction: Transaction,
    alarms: Alarms,
    clock: Clock,
    grants: Collection[str],
    claims: Collection[str],
) -> None:
    teams = {delivery.message.team_id for delivery in deliveries}
    async with transaction() as work:
        books = await work.bookkeeper.open(Wanted(teams=teams, grants=grants, claims=claims))
        for delivery in deliveries:
            try:
                decide(books, delivery.message, clock())
            except ConflictingContent as conflict:
                alarms.conflict(delivery.message, str(conflict))
        await work.bookkeeper.save(books)
        announce(work.outbox, books, deliveries=deliveries)
