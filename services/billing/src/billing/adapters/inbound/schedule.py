import logging
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import Gauge

from billing.application.buy_packs import Shop, finish_purchases
from billing.application.close_team import end_closed
from billing.application.look_at_due import look_at_due
from billing.application.open_months import open_months
from billing.application.ports import Stripe, Transaction, Turns
from billing.application.publish_offers import publish_offers
from billing.application.reconcile import reconcile
from billing.application.take_events import take_waiting
from chassis.clock import Clock
from chassis.schedule import Daily, Schedule

logger = logging.getLogger(__name__)
HEALED = Gauge("atelier_billing_healed_teams", "For how many teams the last reconcile found what was missed")
MINUTE = 60.0


def schedules(transaction: Transaction, stripe: Stripe | None, turns: Turns, clock: Clock) -> list[Schedule]:
    """Say what is done from time to time; what asks Stripe is done by one process of all."""
    found = [
        # Any number of processes may look for Free months: locks part the work.
        Schedule("free months", 30, partial(open_months, transaction, clock)),
        Schedule("offers", 10 * MINUTE, partial(publish_offers, transaction)),
    ]
    if stripe is None:
        return found
    work: dict[str, tuple[float, Callable[[], Awaitable[object]]]] = {
        "look at teams": (30, partial(look_at_due, stripe, transaction, clock)),
        "take waiting events": (MINUTE, partial(take_waiting, stripe, transaction, clock)),
        "finish purchases": (MINUTE, partial(finish_purchases, Shop(stripe, transaction, clock))),
        "end closed teams": (10 * MINUTE, partial(end_closed, stripe, transaction)),
        "reconcile": (10 * MINUTE, Daily(partial(_reconcile, stripe, transaction, clock), clock)),
    }
    return found + [
        Schedule(name, every, partial(_in_turn, turns, run)) for name, (every, run) in work.items()
    ]


async def _in_turn(turns: Turns, run: Callable[[], Awaitable[object]]) -> object:
    return await run() if await turns.mine() else False


async def _reconcile(stripe: Stripe, transaction: Transaction, clock: Clock) -> None:
    report = await reconcile(stripe, transaction, clock)
    HEALED.set(len(report.healed))
    logger.info(
        "reconciled %d customers, %d of them unknown, healed %d teams",
        report.customers,
        len(report.unknown),
        len(report.healed),
    )
