"""Jobs' stores in memory, copied in and out so that what is not saved is not there."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.jobs.tests.stories import NOW

from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.envelope import Cause, Delivery
from contracts.jobs import CancelJob
from contracts.message import Fact, Message
from jobs.application.work import NONE, Candidates, Place, Work
from jobs.domain.attempt import AttemptState
from jobs.domain.breaker import Breaker
from jobs.domain.calls import StepKind
from jobs.domain.fairness import Waiting
from jobs.domain.job import Job
from jobs.domain.material import Material, Weights
from jobs.domain.state import WITH_PROVIDER, WORKING, State


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Memory:
    """What a database would keep."""

    clock: Clock
    jobs: dict[UUID, Job] = field(default_factory=dict)
    leases: dict[UUID, datetime] = field(default_factory=dict)
    plans: dict[UUID, int] = field(default_factory=dict)
    references: dict[UUID, ReferenceModelChanged] = field(default_factory=dict)
    models: dict[UUID, ModelChanged] = field(default_factory=dict)
    weights: dict[UUID, Weights] = field(default_factory=dict)
    tombstones: list[tuple[datetime, Delivery[CancelJob]]] = field(default_factory=list)
    discards: dict[str, datetime] = field(default_factory=dict)
    breaker: Breaker = field(default_factory=Breaker)
    said: list[Message] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """All or nothing, one at a time."""
        before = deepcopy(self.__dict__)
        store = MemoryJobs(self)
        shelf, stones, queue = MemoryShelf(self), MemoryTombstones(self), MemoryQueue(self, store)
        try:
            # Moves, exports and closed teams are tested where they are kept, in Postgres.
            others = {"discards": MemoryDiscards(self), "moves": None, "exports": None, "closings": None}
            yield Work(store, store, queue, shelf, stones, outbox=MemoryOutbox(self.said), **others)
        except BaseException:
            self.__dict__.update(before)
            raise


@dataclass
class MemoryOutbox:
    said: list[Message]

    def add(self, message: Message, _cause: Delivery[Any] | Cause | None = None) -> None:
        self.said.append(message)

    def announce(self, fact: Fact) -> None:
        self.said.append(fact)


@dataclass
class MemoryJobs:
    memory: Memory

    async def add(self, jobs: Sequence[Job]) -> set[UUID]:
        new = [job for job in jobs if job.id not in self.memory.jobs]
        await self.save(new)
        return {job.id for job in new}

    async def floor(self) -> int:
        return 0

    async def known(self, ids: Iterable[UUID]) -> set[UUID]:
        return set(ids) & self.memory.jobs.keys()

    async def in_training(self, model_ids: Iterable[UUID]) -> set[UUID]:
        return {job.training_of for job in self.memory.jobs.values() if job.training_of} & set(model_ids)

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Job]:
        return {id_: deepcopy(self.memory.jobs[id_]) for id_ in set(ids) & self.memory.jobs.keys()}

    async def lock_using(self, model_ids: Iterable[UUID]) -> list[Job]:
        wanted = set(model_ids)
        return [job for job in self._all() if job.due_at and job.recipe.model_id in wanted]

    async def of_attempts(self, attempt_ids: Iterable[UUID]) -> dict[UUID, Job]:
        wanted = set(attempt_ids)
        return {a.id: job for job in self._all() for a in job.attempts if a.id in wanted}

    async def due(self, now: datetime, limit: int) -> list[Job]:
        return [job for job in self._all() if job.due_at and job.due_at <= now][:limit]

    async def outdated(self, now: datetime, limit: int) -> list[Job]:
        done = (job for job in self._all() if job.state is State.COMPLETED)
        return [job for job in done if job.expires_at and job.expires_at <= now][:limit]

    async def to_warn(self, now: datetime, limit: int) -> list[Job]:
        return [job for job in self._all() if job.warn_at and job.warn_at <= now][:limit]

    async def look(self, ids: Iterable[UUID]) -> list[Job]:
        return list((await self.lock(ids)).values())

    async def set_aside(self, ids: Iterable[UUID]) -> None:
        for id_ in ids:
            self.memory.jobs[id_].due_at = self.memory.clock() + timedelta(hours=1)

    async def page(self, after: UUID | None, limit: int) -> list[Job]:
        jobs = sorted(self._all(), key=lambda job: job.id)
        return [job for job in jobs if after is None or job.id > after][:limit]

    async def save(self, jobs: Iterable[Job], leases: Mapping[UUID, datetime] = NONE) -> None:
        self.memory.leases |= leases
        for job in jobs:
            self.memory.jobs[job.id] = deepcopy(job)
            await MemoryDiscards(self.memory).add(job.unwanted)
            if job.state is not State.STORING:
                self.memory.leases.pop(job.id, None)

    async def to_poll(self, now: datetime, again: datetime, limit: int) -> list[Job]:
        due = [job for job in self.memory.jobs.values() if job.poll_at and job.poll_at <= now][:limit]
        for job in due:
            job.poll_at = again
        return deepcopy(due)

    async def to_store(self, now: datetime, limit: int, lease: Mapping[StepKind, float]) -> list[Job]:
        free = [job for job in self._all() if self.memory.leases.get(job.id, now) <= now]
        taken = [job for job in free if job.state is State.STORING][:limit]
        self.memory.leases |= {job.id: now + timedelta(seconds=lease[job.kind]) for job in taken}
        return taken

    async def lease(self, job_id: UUID, until: datetime) -> None:
        self.memory.leases[job_id] = until

    def _all(self) -> list[Job]:
        return deepcopy(list(self.memory.jobs.values()))


@dataclass
class MemoryQueue:
    memory: Memory
    store: MemoryJobs

    async def anybody(self, now: datetime) -> bool:
        return any(not job.not_before or job.not_before <= now for job in self._queued())

    async def dispatcher(self) -> Breaker:
        return deepcopy(self.memory.breaker)

    async def failures(self) -> int:
        return self.memory.breaker.failures

    async def set_breaker(self, breaker: Breaker) -> None:
        self.memory.breaker = deepcopy(breaker)

    async def occupied(self, most: int) -> int:
        return min(most, sum(job.state in WITH_PROVIDER for job in self.memory.jobs.values()))

    async def submitting(self, since: datetime) -> int:
        jobs = (job for job in self.memory.jobs.values() if job.state is State.SUBMITTING)
        calls = [job.attempts[-1] for job in jobs]
        return sum(call.state is AttemptState.STARTED and call.started_at > since for call in calls)

    async def candidates(self, now, plan_slots, _most, teams=()) -> Candidates:
        ready = [job for job in self._queued() if not job.not_before or job.not_before <= now]
        running = Counter(job.team_id for job in self.memory.jobs.values() if job.state in WORKING)
        waiting = [Waiting(job.id, job.team_id, job.priority, job.created_at) for job in ready]
        asking = {job.team_id for job in ready} | set(teams)
        limits = {team: self.memory.plans.get(team, plan_slots) for team in asking}
        return Candidates(waiting, running, limits)

    async def take(self, ids: Sequence[UUID]) -> list[Job]:
        jobs = await self.store.lock(ids)
        return [jobs[id_] for id_ in ids if jobs[id_].state is State.QUEUED]

    async def places(self, before: datetime, _slots: int, otherwise: str, limit: int) -> list[Place]:
        waiting = [job for job in self._queued() if job.created_at < before]
        return [Place(job.id, n, otherwise) for n, job in enumerate(waiting, 1)][:limit]

    def _queued(self) -> list[Job]:
        return [job for job in self.memory.jobs.values() if job.state is State.QUEUED]


@dataclass
class MemoryShelf:
    memory: Memory

    async def materials(self, jobs: Sequence[Job]) -> dict[UUID, Material]:
        found = {job.id: self._material(job) for job in jobs}
        return {id_: material for id_, material in found.items() if material}

    async def keep_weights(self, weights: Weights) -> None:
        self.memory.weights.setdefault(weights.job_id, weights)

    async def learn_models(self, models: Sequence[ModelChanged]) -> None:
        self.memory.models |= {model.id: model for model in models}

    async def learn_reference_models(self, models: Sequence[ReferenceModelChanged]) -> None:
        self.memory.references |= {model.id: model for model in models}

    async def learn_plans(self, plans: Sequence[PlanChanged]) -> None:
        self.memory.plans |= {plan.team_id: plan.limits.running for plan in plans}

    def _material(self, job: Job) -> Material | None:
        recipe = job.recipe
        if recipe.model_id and job.operation != "create_model":
            model = self.memory.models.get(recipe.model_id)
            wanted = recipe.version or (model.active_version if model else None)
            versions = [v for v in model.versions if v.number == wanted] if model else []
            weights = self.memory.weights.get(versions[0].job_id) if versions else None
            return Material(weights=weights, version=wanted) if weights else None
        if recipe.reference_model_id is None:
            return Material()
        reference = self.memory.references.get(recipe.reference_model_id)
        return Material(reference.prompt_recipe, reference.negative_prompt) if reference else None


@dataclass
class MemoryTombstones:
    memory: Memory

    async def fence(self, job_ids: Iterable[UUID]) -> None:
        """One transaction at a time needs no fence."""

    async def remember(self, delivery: Delivery[CancelJob]) -> None:
        self.memory.tombstones.append((self.memory.clock(), delivery))

    async def take(self, job_ids: Iterable[UUID]) -> dict[UUID, list[Cause]]:
        ids, found = set(job_ids), {}
        for _, each in [s for s in self.memory.tombstones if s[1].message.job_id in ids]:
            found.setdefault(each.message.job_id, []).append(Cause(each.correlation_id, each.message_id))
        self.memory.tombstones = [s for s in self.memory.tombstones if s[1].message.job_id not in ids]
        return found

    async def forget(self, before: datetime) -> list[tuple[CancelJob, Cause]]:
        old = [each for at, each in self.memory.tombstones if at < before]
        self.memory.tombstones = [s for s in self.memory.tombstones if s[0] >= before]
        return [(each.message, Cause(each.correlation_id, each.message_id)) for each in old]


@dataclass
class MemoryDiscards:
    memory: Memory

    async def add(self, keys: Iterable[str]) -> None:
        self.memory.discards |= dict.fromkeys(keys, self.memory.clock())

    async def add_folder(self, folder: str, due: datetime) -> None:
        self.memory.discards.setdefault(folder, due)

    async def take(self, now: datetime, until: datetime, limit: int) -> list[str]:
        taken = [key for key, lease in self.memory.discards.items() if lease <= now][:limit]
        self.memory.discards |= dict.fromkeys(taken, until)
        return taken

    async def done(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.memory.discards.pop(key)
