"""What is known of a job, and the moves its facts have in common."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from contracts.credits import CaptureCredits, Forgotten, ReleaseCredits
from contracts.jobs import Cost, Moment, Progress, Receipt, Result
from contracts.orders import Operation, Recipe
from jobs.domain.attempt import Attempt, AttemptState
from jobs.domain.calls import Step, StepKind, Succeeded
from jobs.domain.document import document, summary
from jobs.domain.effects import CancelCall, Follow, Ignored, Nudge, Submit, Unsettled
from jobs.domain.material import Material
from jobs.domain.rules import Rules, Timing
from jobs.domain.state import OPEN, State


@dataclass(frozen=True, slots=True)
class Price:
    """What credits set aside for the job; jobs of long ago do not know by which version of the price list."""

    amount: int
    unit_price: int
    expires_at: datetime
    version: int | None = None

    @property
    def cost(self) -> Cost | None:
        """Show what is set aside."""
        if self.version is None:
            return None
        return Cost(held=self.amount, unit_price=self.unit_price, price_version=self.version)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job that is paid for will not be done."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is asked of credits: the units delivered (none: a release), and why."""

    quantity: int
    code: str
    asked_at: datetime


@dataclass(slots=True, kw_only=True)
class JobRecord:
    """One order being carried out. Times are UTC; `step` counts from 1."""

    id: UUID
    team_id: UUID
    user_id: UUID | None
    operation: Operation
    quantity: int
    priority: int
    recipe: Recipe
    price: Price
    steps: tuple[Step, ...]
    created_at: datetime
    updated_at: datetime
    traceparent: str | None = None
    state: State = State.QUEUED
    step: int = 1
    version: int = 0
    code: str | None = None
    reason: str = ""
    position: int | None = None
    progress: Progress | None = None
    cancelling: bool = False
    overdue: bool = False
    retried: bool = False
    material: Material | None = None
    waiting_since: datetime | None = None
    not_before: datetime | None = None
    outcome: Succeeded | None = None
    results: tuple[Result, ...] = ()
    settlement: Settlement | None = None
    receipt: Receipt | None = None
    timeline: tuple[Moment, ...] = ()
    expires_at: datetime | None = None
    warn_at: datetime | None = None
    unwanted: list[str] = field(default_factory=list)
    due_at: datetime | None = None
    poll_at: datetime | None = None
    poll_wait: float = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def call(self) -> Step:
        """The current step."""
        return self.steps[self.step - 1]

    @property
    def kind(self) -> StepKind:
        """What the current step does."""
        return self.call.kind

    @property
    def delivered(self) -> int:
        """The images that are stored and will be charged; what a training draws to learn from is none."""
        if self.operation is not Operation.GENERATE_IMAGES:
            return 0
        return min(self.quantity, sum(not result.withheld for result in self.results))

    @property
    def last_step(self) -> bool:
        """Whether nothing comes after the current step."""
        return self.step == len(self.steps)

    @property
    def model_id(self) -> UUID:
        """The model a training makes or refines."""
        return self.recipe.model_id or self.id

    @property
    def training_of(self) -> UUID | None:
        """The model this job keeps busy: one training at a time."""
        busy = self.operation is not Operation.GENERATE_IMAGES and self.state in OPEN
        return self.model_id if busy else None

    def _late(self, fact: str) -> list[Follow]:
        return [Ignored(fact)]

    def _attempt(self, attempt_id: UUID) -> Attempt:
        return next(attempt for attempt in self.attempts if attempt.id == attempt_id)

    def _say(self, now: datetime, event: str = "", detail: str = "") -> list[Follow]:
        if event:
            self._note(now, event, detail)
        self.version += 1
        self.updated_at = now
        return [document(self)]

    def _note(self, now: datetime, event: str, detail: str) -> None:
        self.timeline = (*self.timeline, Moment(at=now, event=event, detail=detail))

    def _back_in_line(self, code: str) -> str:
        """Take back that it was started; return what to note, nothing when it waits for the same reason.

        A provider may take nothing for a day, and is tried each minute.
        """
        if self.timeline[-1].event == "processing":
            self.timeline = self.timeline[:-1]
        last = self.timeline[-1]
        return "" if (last.event, last.detail) == ("queued", code) else "queued"

    def _take(self, material: Material) -> None:
        self.material = material
        if material.version is not None:
            self.recipe = self.recipe.model_copy(update={"version": material.version})

    def _queue(self, now: datetime, rules: Rules) -> None:
        self.state = State.QUEUED
        self.due_at = min(max(self.created_at + rules.queue_limit, now), self.price.expires_at)

    def _submit(self, now: datetime, rules: Rules) -> list[Follow]:
        attempt = Attempt(
            id=uuid4(),
            job_id=self.id,
            step=self.step,
            n=1 + sum(a.step == self.step for a in self.attempts),
            started_at=now,
        )
        self.attempts.append(attempt)
        self.state = State.SUBMITTING
        self.due_at = now + rules.timing(self.kind).grace
        self.poll_at, self.overdue, self.outcome = None, False, None
        return [Submit(self, attempt)]

    def _run(self, now: datetime, timing: Timing) -> None:
        self.state = State.RUNNING
        self.due_at = now + timing.running_limit
        self.poll_wait = max(timing.poll_first.total_seconds(), 0.1)
        self.poll_at = now if self.cancelling else now + timing.poll_first
        self._note(now, "accepted_by_provider", self.kind.value)

    def _cancel_calls(self, attempts: Iterable[Attempt]) -> list[Follow]:
        return [CancelCall(a.submitted, self.traceparent) for a in attempts if a.submitted]

    def _abandon(self, now: datetime) -> list[Follow]:
        """Whatever still runs is no longer wanted."""
        running = [attempt for attempt in self.attempts if attempt.open]
        for attempt in running:
            attempt.end(AttemptState.UNWANTED, now)
        return self._cancel_calls(running)

    def _settle(
        self, now: datetime, rules: Rules, code: str, reason: str, units: int | None = None
    ) -> list[Follow]:
        stops = self._abandon(now)
        if units is None and self.delivered:  # whatever ends it, what was delivered is kept and charged
            units, reason = self.delivered, summary(self)
        units = units or 0
        self.state = State.SETTLING
        self.settlement = Settlement(quantity=units, code=code, asked_at=now)
        self.code, self.reason, self.position = (None if units else code), reason, None
        self.due_at, self.poll_at = now + rules.settle_repeat, None
        self._note(now, "settling", code)
        return [*stops, *self._ask(self.settlement), Nudge.DISPATCH]

    def _ask(self, settlement: Settlement, *, again: bool = False) -> list[Follow]:
        """Ask credits to settle; `again` also a credits that was restored and has forgotten the hold."""
        if settlement.quantity:
            held = self._held() if again else None
            capture = CaptureCredits(
                job_id=self.id, team_id=self.team_id, quantity=settlement.quantity, held=held
            )
            return [capture]
        return [ReleaseCredits(job_id=self.id, team_id=self.team_id, reason=settlement.code)]

    def _held(self) -> Forgotten:
        return Forgotten(
            operation=self.operation,
            quantity=self.quantity,
            unit_price=self.price.unit_price,
            price_version=self.price.version or 0,
        )

    def _alarm(self, settlement: Settlement, now: datetime, rules: Rules) -> list[Follow]:
        return [Unsettled(self.id)] if now > settlement.asked_at + rules.settle_alarm else []

    def _verdict(self, settlement: Settlement) -> State:
        if settlement.quantity:
            return State.COMPLETED
        return State.CANCELLED if self.cancelling else State.FAILED
