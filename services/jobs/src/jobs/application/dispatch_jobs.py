"""Slots are free: the next jobs start."""

from collections.abc import Sequence
from datetime import timedelta

from chassis.clock import Clock
from jobs.application.tools import tell
from jobs.application.work import Transaction, Work
from jobs.domain.effects import Effect, Follow
from jobs.domain.fairness import Waiting, choose
from jobs.domain.job import Job
from jobs.domain.rules import Rules

TELL_AFTER = timedelta(seconds=1)
TELL_AT_ONCE = 200
LONGEST_SUBMIT = timedelta(minutes=1)
"""A call without an answer for so long says nothing about the provider: nobody waits for it to find out."""


async def dispatch_jobs(transaction: Transaction, clock: Clock, rules: Rules, capacity: int) -> list[Effect]:
    """Start as many jobs as the teams' plans, the provider and our own `capacity` to submit allow, fairly."""
    async with transaction() as work:
        if capacity < 1 or not await work.queue.anybody(clock()):
            return []
        started = await start_next(work, clock, rules, capacity)
        effects = [effect for job, follows in started for effect in tell(work, job, follows)]
        await work.jobs.save(job for job, _ in started)
        return effects


async def start_next(
    work: Work, clock: Clock, rules: Rules, capacity: int, new: Sequence[Job] = ()
) -> list[tuple[Job, list[Follow]]]:
    """Choose who goes next and start them; returns those whose turn it was, with what follows, to be written.

    `new` jobs wait as well, and are not in the line yet.
    """
    free = await _free(work, clock, rules, capacity)
    if free < 1:
        return []
    teams = {job.team_id for job in new}
    candidates = await work.queue.candidates(clock(), rules.plan_slots, free, teams)
    waiting = [Waiting(job.id, job.team_id, job.priority, job.created_at) for job in new]
    chosen = choose([*candidates.waiting, *waiting], candidates.running, candidates.limits, free)
    at_hand = {job.id: job for job in new}
    at_hand |= {job.id: job for job in await work.queue.take([id_ for id_ in chosen if id_ not in at_hand])}
    return await _start(work, clock, rules, [at_hand[id_] for id_ in chosen if id_ in at_hand])


async def tell_places(transaction: Transaction, clock: Clock, rules: Rules) -> None:
    """Tell waiting jobs why they wait and how many of their team go first."""
    async with transaction() as work:
        now = clock()
        otherwise = "provider_unavailable" if await work.queue.failures() else "provider_busy"
        places = await work.queue.places(now - TELL_AFTER, rules.plan_slots, otherwise, TELL_AT_ONCE)
        jobs = {job.id: job for job in await work.queue.take([place.job_id for place in places])}
        for place in places:
            if job := jobs.get(place.job_id):
                tell(work, job, job.waits(place.code, place.position, now))
        await work.jobs.save(jobs.values())


async def _free(work: Work, clock: Clock, rules: Rules, capacity: int) -> int:
    now = clock()
    breaker = await work.queue.dispatcher()  # from here on nobody else dispatches
    if breaker.is_open(now):
        return 0
    free = min(capacity, rules.provider_slots - await work.queue.occupied(rules.provider_slots))
    submitting = await work.queue.submitting(now - LONGEST_SUBMIT) if breaker.failures else 0
    return breaker.allows(free, submitting, now)


async def _start(
    work: Work, clock: Clock, rules: Rules, jobs: Sequence[Job]
) -> list[tuple[Job, list[Follow]]]:
    materials = await work.shelf.materials(jobs)
    started = []
    for job in jobs:
        material = job.material or materials.get(job.id)
        if material is None:
            started.append((job, job.misses_material(clock(), rules)))
        else:
            started.append((job, job.dispatched(material, clock(), rules)))
    return started
