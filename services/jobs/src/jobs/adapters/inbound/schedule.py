"""What jobs does without being asked: at once when nudged, and from time to time in any case."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from chassis.schedule import Schedule
from chassis.telemetry import continued
from jobs.adapters.inbound.workers import Workers
from jobs.application.act_on_deadlines import act_on_deadlines
from jobs.application.build_exports import build_export, take_exports
from jobs.application.cancel_jobs import refuse_unknown
from jobs.application.close_teams import clear_closed_teams
from jobs.application.closing import Listing
from jobs.application.discard_objects import discard_objects
from jobs.application.dispatch_jobs import dispatch_jobs, tell_places
from jobs.application.expire_images import expire_exports, expire_images
from jobs.application.keeping import Parts
from jobs.application.pin_images import move_images
from jobs.application.poll_attempts import poll_attempts
from jobs.application.store_results import take_results
from jobs.application.tools import Tools
from jobs.application.work import Transaction
from jobs.domain.effects import Nudge
from jobs.domain.export import Export

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds: looking for work left over, telling places in the line, expiring what is old."""

    sweep: float
    places: float
    expire: float


class Store(Parts, Listing, Protocol):
    """The object store, as far as schedules need it beyond the tools."""


def schedules(
    transaction: Transaction, tools: Tools, parts: Store, workers: Workers, rhythm: Rhythm
) -> list[Schedule]:
    """Say what is done every so many seconds."""
    every = rhythm.sweep
    clock, rules = tools.clock, tools.rules
    dispatch = Schedule("dispatch", every, partial(_dispatch, transaction, tools, workers))
    poll = Schedule("poll", every, partial(_poll, transaction, tools, workers))
    store = Schedule("store", every, partial(_store, transaction, tools, workers))
    deadlines = Schedule("deadlines", every, partial(_deadlines, transaction, tools, workers))
    kept = (transaction, tools.storage, clock, rules)
    discard = Schedule("discard", every, partial(discard_objects, *kept))
    move = Schedule("move", every, partial(move_images, *kept))
    export = Schedule("export", every, partial(_export, transaction, tools, parts, workers))
    expire = Schedule("expire", rhythm.expire, partial(_expire, transaction, tools, workers))
    nudged = {
        Nudge.DISPATCH: dispatch,
        Nudge.POLL: poll,
        Nudge.STORE: store,
        Nudge.DEADLINES: deadlines,
        Nudge.DISCARD: discard,
        Nudge.MOVE: move,
        Nudge.EXPORT: export,
        Nudge.EXPIRE: expire,
    }
    for nudge, schedule in nudged.items():
        workers.listen(nudge, schedule.nudge)
    return [
        *nudged.values(),
        Schedule("places", rhythm.places, partial(tell_places, transaction, clock, rules)),
        Schedule("closed teams", every, partial(_close, transaction, parts, tools, workers)),
        Schedule("unknown jobs", MINUTE, partial(refuse_unknown, transaction, clock)),
    ]


async def _dispatch(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    decide = partial(dispatch_jobs, transaction, tools.clock, tools.rules)
    await workers.fill(workers.submitting, decide, everybody=True)


async def _poll(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.carry(poll_attempts(transaction, tools))


async def _deadlines(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.carry(act_on_deadlines(transaction, tools.clock, tools.rules))


async def _expire(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.carry(expire_images(transaction, tools.clock, tools.rules))
    await workers.carry(expire_exports(transaction, tools.clock))


async def _close(transaction: Transaction, objects: Listing, tools: Tools, workers: Workers) -> None:
    await workers.carry(clear_closed_teams(transaction, objects, tools.clock, tools.rules))


async def _export(transaction: Transaction, tools: Tools, parts: Parts, workers: Workers) -> None:
    for export in await take_exports(transaction, tools, workers.exporting.free):
        workers.exporting.start(_export_one(export, transaction, tools, parts, workers))


async def _export_one(
    export: Export, transaction: Transaction, tools: Tools, parts: Parts, workers: Workers
) -> None:
    with continued(export.traceparent, "export", export_id=str(export.id)):
        await build_export(export, transaction, tools, parts)
    workers.nudge(Nudge.EXPORT)


async def _store(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.fill(workers.storing, partial(take_results, transaction, tools), everybody=True)
