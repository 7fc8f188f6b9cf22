import logging
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.schedule import Daily, Schedule
from credits.application.announce_prices import announce_prices
from credits.application.expire_credits import expire_buckets, expire_holds
from credits.application.forget_offers import forget_offers
from credits.application.ports import Audit, Figures, Transaction, Turns
from credits.application.verify_ledger import verify_ledger

logger = logging.getLogger(__name__)
FINDINGS = Gauge("atelier_credits_audit_findings", "What the last audit of the ledger found")
AUDITED = Gauge("atelier_credits_audited_timestamp_seconds", "When this process last audited the ledger")
RUNNER = Gauge("atelier_credits_runner", "1 in the process that does what is due")
HOLDS = Gauge("atelier_credits_open_holds", "Holds that are neither captured nor released")
OLDEST_HOLD = Gauge("atelier_credits_oldest_hold_seconds", "Age of the oldest open hold")
UNCOLLECTED = Gauge("atelier_credits_uncollected", "Credits that teams owe")
MINUTE = 60.0
HOUR = 60 * MINUTE


def schedules(
    transaction: Transaction,
    audit: Audit,
    figures: Callable[[], Awaitable[Figures]],
    turns: Turns,
    clock: Clock,
) -> list[Schedule]:
    """Say what is done from time to time, by one process of all; another takes over within a minute."""
    audits = Daily(partial(_verify, audit), clock)
    work: dict[str, tuple[float, Callable[[], Awaitable[object]]]] = {
        "announce prices": (5, partial(announce_prices, transaction, clock)),
        "expire holds": (MINUTE, partial(expire_holds, transaction, clock)),
        "expire buckets": (MINUTE, partial(expire_buckets, transaction, clock)),
        "forget offers": (HOUR, partial(forget_offers, transaction, clock)),
        "verify ledger": (MINUTE, audits),
        "take figures": (MINUTE / 4, partial(_show, figures)),
    }
    return [
        Schedule(name, every, partial(_in_turn, turns, run, audits)) for name, (every, run) in work.items()
    ]


async def _in_turn(turns: Turns, run: Callable[[], Awaitable[object]], audits: Daily) -> object:
    mine = await turns.mine()
    RUNNER.set(mine)
    if not mine:
        # What it found in its own turn is now another's to say.
        for gauge in (FINDINGS, HOLDS, OLDEST_HOLD, UNCOLLECTED):
            gauge.set(0)
        audits.forget()
        return False
    return await run()


async def _verify(audit: Audit) -> None:
    report = await verify_ledger(audit)
    FINDINGS.set(report.findings)
    AUDITED.set_to_current_time()
    for check in report.checks:
        for finding in check.findings:
            logger.error("audit: %s: %s", check.name, finding)


async def _show(figures: Callable[[], Awaitable[Figures]]) -> None:
    taken = await figures()
    HOLDS.set(taken.holds)
    OLDEST_HOLD.set(taken.oldest_hold)
    UNCOLLECTED.set(taken.uncollected)
