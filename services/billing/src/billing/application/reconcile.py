"""Compare with Stripe what was heard of the last weeks, and heal what was not."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from billing.application.look import look
from billing.application.ports import Stripe, Transaction
from billing.application.take_events import team_behind
from chassis.clock import Clock
from contracts.billing import BillingChanged
from contracts.message import Message

logger = logging.getLogger(__name__)
SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Healed:
    """What a look at one team said that should have been said before."""

    team_id: UUID
    said: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a reconcile found: of how many customers nobody knows some, some were healed, some unreadable."""

    customers: int
    unknown: tuple[str, ...]
    healed: tuple[Healed, ...]
    failed: tuple[str, ...] = ()


async def reconcile(stripe: Stripe, transaction: Transaction, clock: Clock, span: timedelta = SPAN) -> Report:
    """Look at everybody with paid invoices, payments, refunds, disputes or a subscription in that time.

    One that cannot be read is told and left for the next time.
    """
    unknown, healed, failed, customers = [], [], [], 0
    async for customer_id in stripe.active_since(clock() - span):
        customers += 1
        try:
            found = await _heal(customer_id, stripe, transaction, clock)
        except Exception as error:  # noqa: BLE001 - told, and looked at again tomorrow
            logger.warning("customer %s cannot be looked at now: %s", customer_id, type(error).__name__)
            failed.append(customer_id)
            continue
        if found is None:
            unknown.append(customer_id)
        elif found.said:
            healed.append(found)
    return Report(customers, tuple(unknown), tuple(healed), tuple(failed))


async def _heal(customer_id: str, stripe: Stripe, transaction: Transaction, clock: Clock) -> Healed | None:
    team_id = await team_behind(customer_id, stripe, transaction)
    if team_id is None:
        return None
    said = await look(team_id, stripe, transaction, clock)
    # What is shown follows the calendar too; only credits and plans can have been missed.
    missed = tuple(message for message in said if not isinstance(message, BillingChanged))
    for message in missed:
        logger.warning("healed for team %s: %s", team_id, message.type)
    return Healed(team_id, missed)
