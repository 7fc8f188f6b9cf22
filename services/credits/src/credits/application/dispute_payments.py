from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import PaymentDisputed
from contracts.envelope import Delivery
from credits.application.book import book_claims
from credits.application.ports import Alarms, Transaction
from credits.domain.refunding import dispute_payment


async def dispute_payments(
    deliveries: Sequence[Delivery[PaymentDisputed]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Freeze accounts whose payments are disputed, and take back what a lost dispute takes."""
    await book_claims(deliveries, dispute_payment, transaction, alarms, clock)
