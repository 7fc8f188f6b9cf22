"""Slots are free: the next jobs start."""

from datetime import timedelta
from uuid import UUID

from chassis.clock import Clock
from jobs.application.tools import tell
from jobs.application.work import Transaction, Work
from jobs.domain.effects import Effect
from jobs.domain.fairness import choose
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
        free = await _free(work, clock, rules, capacity)
        if free < 1:
            return []
        candidates = await work.queue.candidates(clock(), rules.plan_slots, free)
        chosen = choose(candidates.waiting, candidates.running, candidates.limits, free)
        return await _start(work, clock, rules, chosen)


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
    breaker = await work.queue.dispatcher()  # from here on nobody else dispatches
    occupied = await work.queue.occupied(clock() - LONGEST_SUBMIT)
    free = min(capacity, rules.provider_slots - occupied.slots)
    return breaker.allows(max(0, free), occupied.submitting, clock())


async def _start(work: Work, clock: Clock, rules: Rules, chosen: list[UUID]) -> list[Effect]:
    jobs = await work.queue.take(chosen)
    materials = await work.shelf.materials(jobs)
    effects: list[Effect] = []
    for job in jobs:
        material = job.material or materials.get(job.id)
        if material is None:
            follows = job.misses_material(clock(), rules)
        else:
            follows = job.dispatched(material, clock(), rules)
        effects += tell(work, job, follows)
    await work.jobs.save(jobs)
    return effects
