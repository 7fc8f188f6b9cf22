"""Ask an owner to act, at most once per idempotency key, and wait for the verdict."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import Clock
from gateway.application.ports import Transaction, Verdicts, Work
from gateway.domain.asks import PATIENCE as ORDERS_LIVE
from gateway.domain.asks import Errand
from gateway.domain.requests import Request, Verdict

PATIENCE = 5.0
"""Seconds a client is kept waiting for a verdict."""


class Backlogged(Exception):
    """Too many messages wait to be sent; new ones would only wait longer."""


class Declined(Exception):
    """The verdict is no."""

    def __init__(self, verdict: Verdict, *, replayed: bool) -> None:
        super().__init__(verdict.detail or verdict.code)
        self.verdict, self.replayed = verdict, replayed


AtOnce = Callable[[Request, Errand], Awaitable[bool]]
"""Writes a new request, its jobs, their slots and its message down in one go, or nothing at all and tells so:
its key was used before, or the team has no slots left."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What asking needs: a transaction, news of verdicts, the time, and whether the outbox can take more."""

    transaction: Transaction
    at_once: AtOnce
    verdicts: Verdicts
    clock: Clock
    backlogged: Callable[[], bool]
    patience: float = PATIENCE
    orders_live: timedelta = ORDERS_LIVE


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under way or granted; `replayed` when the client had asked before."""

    request: Request
    granted: bool
    replayed: bool
    verdict: Verdict | None = None


async def ask(
    request: Request,
    errand: Callable[[Work], Awaitable[Errand]],
    asking: Asking,
    usual: Callable[[], Awaitable[Errand | None]] | None = None,
) -> Asked:
    """Write request, documents, slots and message down together, then wait for the verdict.

    `usual` tells the errand of a request that is new and refused by nothing, jobs alone: it is tried first,
    and takes a fraction of the time. What stands against it is found, and told, by the transaction.

    Raises Declined when it is no, Backlogged, KeyReused, QueueFull, and whatever `errand` raises.
    """
    if asking.backlogged():
        raise Backlogged
    with asking.verdicts.expect(request.id) as verdict_of_this:
        written = usual is not None and await _at_once(request, await usual(), asking)
        earlier = None if written else await _write_down(request, errand, asking)
        verdict = None if earlier else await verdict_of_this(asking.patience)
    if earlier:
        verdict = earlier.verdict or await asking.verdicts.wait(earlier.id, asking.patience)
    if verdict is not None and verdict.outcome != "granted":
        raise Declined(verdict, replayed=earlier is not None)
    granted, replayed = verdict is not None, earlier is not None
    return Asked(earlier or request, granted=granted, replayed=replayed, verdict=verdict)


async def taken_back(asked: Asked, asking: Asking) -> Declined | None:
    """Tell why what was asked for is not shown: its decline came after patience had ended."""
    verdict = await asking.verdicts.wait(asked.request.id, asking.patience)
    if verdict is None or verdict.outcome == "granted":
        return None
    return Declined(verdict, replayed=asked.replayed)


async def _at_once(request: Request, todo: Errand | None, asking: Asking) -> bool:
    if todo is None:
        return False
    return await asking.at_once(request, _limited(todo, request, asking))


def _limited(todo: Errand, request: Request, asking: Asking) -> Errand:
    return todo.undecided_until(request.created_at + asking.orders_live)


async def _write_down(
    request: Request, errand: Callable[[Work], Awaitable[Errand]], asking: Asking
) -> Request | None:
    async with asking.transaction() as work:
        if earlier := await work.requests.earlier(request):
            return earlier
        todo = _limited(await errand(work), request, asking)
        if earlier := await work.requests.open(request, todo.message):
            return earlier
        await work.documents.put((*todo.models, *todo.jobs, *todo.exports))
        # Last, because every request of a team waits for this row.
        await work.slots.take(request.team_id, [job.id for job in todo.jobs])
        work.outbox.say(todo.message, request.id)
        return None
