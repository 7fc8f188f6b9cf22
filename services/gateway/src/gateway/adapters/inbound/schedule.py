"""What the gateway does from time to time."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.schedule import Schedule
from gateway.adapters.inbound.http.limits import Exchange, RateLimiter
from gateway.application.audit import audit_news
from gateway.application.close_team import forget_closed_teams
from gateway.application.ports import Transaction
from gateway.application.resend_requests import resend_requests
from gateway.application.send_letters import Postman, send_letters
from gateway.application.tidy_up import tidy_up
from gateway.domain.books import FindingKind

FINDINGS = Gauge("atelier_audit_findings", "What the audit of jobs and accounts finds wrong", ["kind"])
PARKED_LETTERS = Gauge("atelier_letters_parked", "Letters that no mail server took")
GRACE = timedelta(minutes=2)
QUIET = timedelta(hours=1)


def resending(transaction: Transaction, clock: Clock) -> Schedule:
    """Ask again where no verdict has come; any number of processes may look."""
    return Schedule("resend", 5, partial(resend_requests, transaction, clock))


def tidying(transaction: Transaction, clock: Clock) -> Schedule:
    """Forget what is old."""
    return Schedule("tidy-up", 600, partial(tidy_up, transaction, clock))


def delivering(transaction: Transaction, postman: Postman, clock: Clock) -> Schedule:
    """Deliver letters; any number of processes may, each attempt is made by one."""

    async def deliver() -> bool:
        more = await send_letters(transaction, postman, clock)
        async with transaction() as work:
            PARKED_LETTERS.set(await work.post.count_parked())
        return more

    return Schedule("letters", 1, deliver)


def forgetting(transaction: Transaction, clock: Clock) -> Schedule:
    """Forget what is shown of closed teams; any number of processes may look."""
    return Schedule("closed teams", 2, partial(forget_closed_teams, transaction, clock))


def sharing_rates(limiter: RateLimiter, exchange: Exchange) -> Schedule:
    """Exchange with the other processes what each has let pass."""
    return Schedule("share rates", 0.25, partial(limiter.share, exchange))


def forgetting_rates(forget: Callable[[datetime], Awaitable[None]], clock: Clock) -> Schedule:
    """Drop the buckets of teams that have been quiet."""

    async def drop() -> None:
        await forget(clock() - QUIET)

    return Schedule("forget rates", 600, drop)


def auditing(
    transaction: Transaction, clock: Clock, numbers: Callable[[], Awaitable[Mapping[FindingKind, int]]]
) -> Schedule:
    """Look at what has changed; one process looks, all show what was found."""

    async def look() -> None:
        await audit_news(transaction, clock, GRACE)
        for kind, number in (await numbers()).items():
            FINDINGS.labels(kind.value).set(number)

    return Schedule("audit", 60, look)
