"""What the use cases need of their transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from contracts import Message
from contracts.billing import PlanChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.envelope import Cause, Delivery
from contracts.jobs import CancelJob
from contracts.message import Fact
from jobs.application.closing import Closings
from jobs.application.keeping import Discards, Exports, Moves
from jobs.domain.breaker import Breaker
from jobs.domain.calls import StepKind
from jobs.domain.fairness import Waiting
from jobs.domain.job import Job
from jobs.domain.material import Material, Weights

NONE: Mapping[Any, Any] = MappingProxyType({})


class Jobs(Protocol):
    """The jobs, each with all its attempts. What is read here is locked until the transaction ends."""

    async def add(self, jobs: Sequence[Job]) -> set[UUID]:
        """Add the jobs that do not exist yet, with their attempts, and return their ids."""
        ...

    async def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Tell which of these jobs exist, without locking them."""
        ...

    async def floor(self) -> int:
        """Tell after which version new documents begin: 0 unless a backup was lifted."""
        ...

    async def in_training(self, model_ids: Iterable[UUID]) -> set[UUID]:
        """Tell which models have a training that is still open."""
        ...

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Job]:
        """Read and lock these jobs, as far as they exist."""
        ...

    async def lock_using(self, model_ids: Iterable[UUID]) -> list[Job]:
        """Read and lock the open jobs that train these models or draw with them."""
        ...

    async def of_attempts(self, attempt_ids: Iterable[UUID]) -> dict[UUID, Job]:
        """Read and lock the jobs of these attempts, by attempt."""
        ...

    async def due(self, now: datetime, limit: int) -> list[Job]:
        """Lock jobs whose deadline has passed, skipping those somebody else has."""
        ...

    async def outdated(self, now: datetime, limit: int) -> list[Job]:
        """Lock completed jobs with images kept long enough, skipping those somebody else has."""
        ...

    async def to_warn(self, now: datetime, limit: int) -> list[Job]:
        """Lock completed jobs whose team is to be told what expires, skipping those somebody else has."""
        ...

    async def look(self, ids: Iterable[UUID]) -> list[Job]:
        """Read these jobs, as far as they exist, without locking them."""
        ...

    async def set_aside(self, ids: Iterable[UUID]) -> None:
        """Let no sweep find these jobs for an hour: nobody can act on them as they are."""
        ...

    async def page(self, after: UUID | None, limit: int) -> list[Job]:
        """Read the jobs that follow an id, in the order of their ids, without locking them."""
        ...

    async def save(self, jobs: Iterable[Job], leases: Mapping[UUID, datetime] = NONE) -> None:
        """Write the jobs and their attempts; until its lease ends nobody takes up a job's results."""
        ...


class Workload(Protocol):
    """Work handed out to one worker at a time, for a while: a crash gives it back."""

    async def to_poll(self, now: datetime, again: datetime, limit: int) -> list[Job]:
        """Take running jobs whose poll is due; nobody else polls them before `again`."""
        ...

    async def to_store(self, now: datetime, limit: int, lease: Mapping[StepKind, float]) -> list[Job]:
        """Take jobs whose results are to be stored, each leased for so many seconds by its kind of step."""
        ...

    async def lease(self, job_id: UUID, until: datetime) -> None:
        """Let nobody take up this job's results before `until`."""
        ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Those who may go next: no more of a team than its limit leaves, with what each team has running."""

    waiting: Sequence[Waiting]
    running: Mapping[UUID, int]
    limits: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queued job stands in its team, counted from 1, and why it waits."""

    job_id: UUID
    position: int
    code: str


class Queue(Protocol):
    """The line before the provider. One row, locked by `dispatcher`, lets one dispatcher decide at a time."""

    async def anybody(self, now: datetime) -> bool:
        """Tell whether any job waits for its turn, without locking anything."""
        ...

    async def dispatcher(self) -> Breaker:
        """Lock the dispatcher's row and read the circuit breaker on it."""
        ...

    async def failures(self) -> int:
        """Read how often in a row the provider took nothing, without locking."""
        ...

    async def set_breaker(self, breaker: Breaker) -> None:
        """Write the circuit breaker."""
        ...

    async def occupied(self, most: int) -> int:
        """Count what the provider has, from the jobs themselves, up to `most`.

        A count may be a second old where thousands more may be taken.
        """
        ...

    async def submitting(self, since: datetime) -> int:
        """Count the calls just being made, but for those that began before `since` or are in doubt."""
        ...

    async def candidates(
        self, now: datetime, plan_slots: int, most: int, teams: Collection[UUID] = ()
    ) -> Candidates:
        """Read who may go next; teams without a known plan have `plan_slots`.

        Of `teams` it is told what they have running and may have, though nobody of theirs waits.
        """
        ...

    async def take(self, ids: Sequence[UUID]) -> list[Job]:
        """Lock those of the jobs that still wait, in the order given, skipping those somebody else has."""
        ...

    async def places(self, before: datetime, plan_slots: int, otherwise: str, limit: int) -> list[Place]:
        """Find queued jobs, opened before then, whose place has changed so much that it is worth telling.

        Their code is `plan_slots_busy` when their team has as much running as it may, `otherwise` if not.
        """
        ...


class Shelf(Protocol):
    """What orders refer to: reference models, models with their versions and weights, plans."""

    async def materials(self, jobs: Sequence[Job]) -> dict[UUID, Material]:
        """Find what these jobs are made of; a job whose model is not known is missing in the answer."""
        ...

    async def keep_weights(self, weights: Weights) -> None:
        """Remember the weights a training made, once."""
        ...

    async def may_pin(self, team_id: UUID) -> bool:
        """Tell whether a team's plan lets it keep images beyond their time."""
        ...

    async def learn_models(self, models: Sequence[ModelChanged]) -> None:
        """Remember the newest of each model."""
        ...

    async def learn_reference_models(self, models: Sequence[ReferenceModelChanged]) -> None:
        """Remember the newest of each reference model."""
        ...

    async def learn_plans(self, plans: Sequence[PlanChanged]) -> None:
        """Remember the newest of each team's plan."""
        ...


class Tombstones(Protocol):
    """Cancels that came before the job they are about."""

    async def fence(self, job_ids: Iterable[UUID]) -> None:
        """Let nobody else open these jobs, or cancel them unopened, until the transaction ends."""
        ...

    async def remember(self, delivery: Delivery[CancelJob]) -> None:
        """Keep a cancel for its job to find."""
        ...

    async def take(self, job_ids: Iterable[UUID]) -> dict[UUID, list[Cause]]:
        """Remove and return the cancels of these jobs: what their answers are caused by."""
        ...

    async def forget(self, before: datetime) -> list[tuple[CancelJob, Cause]]:
        """Remove and return the cancels from before then, whose jobs never came."""
        ...


class Outbox(Protocol):
    """What is said when the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say a message, caused by another one."""
        ...

    def announce(self, fact: Fact) -> None:
        """Say a document once more, to those who repair what they keep of it."""
        ...


@dataclass(frozen=True)
class Work:
    """One open transaction."""

    jobs: Jobs
    workload: Workload
    queue: Queue
    shelf: Shelf
    tombstones: Tombstones
    discards: Discards
    moves: Moves
    exports: Exports
    closings: Closings
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]
