import logging
from datetime import timedelta

from billing.application.look import look
from billing.application.ports import Stripe, Transaction
from billing.domain.stripes_clock import at_stripe
from chassis.clock import Clock

logger = logging.getLogger(__name__)
BATCH = 50
LATER = timedelta(minutes=10)


async def look_at_due(stripe: Stripe, transaction: Transaction, clock: Clock) -> bool:
    """Look at the teams that time alone has changed: a month of a paid year, a grace, a Free month is over.

    One that cannot be looked at now does not keep the others waiting. Returns whether there may be more.
    """
    async with transaction() as work:
        teams = await work.subscriptions.to_look_at(at_stripe(clock()), BATCH)
    failed = 0
    for team_id in teams:
        try:
            await look(team_id, stripe, transaction, clock)
        except Exception as error:  # noqa: BLE001 - told, and tried again later
            logger.warning("team %s cannot be looked at now: %s", team_id, type(error).__name__)
            failed += 1
            async with transaction() as work:
                await work.subscriptions.look_again(team_id, clock() + LATER)
    return len(teams) == BATCH and failed < BATCH
