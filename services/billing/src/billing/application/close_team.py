import logging
from collections.abc import Sequence

from billing.application.ports import Customer, Stripe, Transaction
from chassis.clock import Clock
from contracts.envelope import Delivery
from contracts.gateway import TeamClosed

logger = logging.getLogger(__name__)
BATCH = 50


async def close_team(
    deliveries: Sequence[Delivery[TeamClosed]], stripe: Stripe | None, transaction: Transaction, clock: Clock
) -> None:
    """End what a team pays and forget who it is; it stays closed, even if it is only opened later."""
    for delivery in deliveries:
        team_id = delivery.message.team_id
        async with transaction() as work:
            await work.customers.close(team_id, clock())
            customer = await work.customers.find(team_id)
        await _end(customer, stripe, transaction)


async def end_closed(stripe: Stripe, transaction: Transaction) -> None:
    """End at Stripe what could not be ended when the team was closed."""
    async with transaction() as work:
        closing = await work.customers.closing(BATCH)
    for customer in closing:
        try:
            await _end(customer, stripe, transaction)
        except Exception as error:  # noqa: BLE001 - told, and tried again later
            logger.warning(
                "team %s cannot be ended at Stripe now: %s", customer.team_id, type(error).__name__
            )


async def _end(customer: Customer, stripe: Stripe | None, transaction: Transaction) -> None:
    if customer.customer_id is None or stripe is None:
        return
    await stripe.end(customer.customer_id)
    async with transaction() as work:
        await work.customers.release(customer.team_id)
