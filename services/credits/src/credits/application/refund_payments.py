from collections.abc import Sequence

from chassis.clock import Clock
from contracts.billing import PaymentRefunded
from contracts.envelope import Delivery
from credits.application.book import book_claims
from credits.application.ports import Alarms, Transaction
from credits.domain.refunding import refund_payment


async def refund_payments(
    deliveries: Sequence[Delivery[PaymentRefunded]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Take back the credits of refunded payments; once per source."""
    await book_claims(deliveries, refund_payment, transaction, alarms, clock)
