"""What jobs does without being asked: at once when nudged, and from time to time in any case."""

from dataclasses import dataclass
from functools import partial

from chassis.schedule import Schedule
from chassis.telemetry import continued
from jobs.adapters.inbound.workers import Workers
from jobs.application.act_on_deadlines import act_on_deadlines, expire_images
from jobs.application.cancel_jobs import refuse_unknown
from jobs.application.dispatch_jobs import dispatch_jobs, tell_places
from jobs.application.poll_attempts import poll_attempts
from jobs.application.store_results import store_results, take_results
from jobs.application.tools import Tools
from jobs.application.work import Transaction
from jobs.domain.effects import Nudge
from jobs.domain.job import Job

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds: looking for work left over, telling places in the line, expiring images."""

    sweep: float
    places: float
    expire: float


def schedules(transaction: Transaction, tools: Tools, workers: Workers, rhythm: Rhythm) -> list[Schedule]:
    """Say what is done every so many seconds."""
    every = rhythm.sweep
    clock, rules = tools.clock, tools.rules
    dispatch = Schedule("dispatch", every, partial(_dispatch, transaction, tools, workers))
    poll = Schedule("poll", every, partial(_poll, transaction, tools, workers))
    store = Schedule("store", every, partial(_store, transaction, tools, workers))
    workers.listen(Nudge.DISPATCH, dispatch.nudge)
    workers.listen(Nudge.POLL, poll.nudge)
    workers.listen(Nudge.STORE, store.nudge)
    return [
        dispatch,
        poll,
        store,
        Schedule("deadlines", every, partial(_deadlines, transaction, tools, workers)),
        Schedule("places", rhythm.places, partial(tell_places, transaction, clock, rules)),
        Schedule("unknown jobs", MINUTE, partial(refuse_unknown, transaction, clock)),
        Schedule("expire images", rhythm.expire, partial(expire_images, transaction, tools.storage, clock)),
    ]


async def _dispatch(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    room = workers.submitting.free
    await workers.carry(dispatch_jobs(transaction, tools.clock, tools.rules, room))


async def _poll(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.carry(poll_attempts(transaction, tools))


async def _deadlines(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    await workers.carry(act_on_deadlines(transaction, tools.clock, tools.rules))


async def _store(transaction: Transaction, tools: Tools, workers: Workers) -> None:
    for job in await take_results(transaction, tools, workers.storing.free):
        workers.storing.start(_store_one(job, transaction, tools, workers))


async def _store_one(job: Job, transaction: Transaction, tools: Tools, workers: Workers) -> None:
    with continued(job.traceparent, f"store {job.kind}", job_id=str(job.id)):
        workers.take(await store_results(job, transaction, tools))
    workers.nudge(Nudge.STORE)
