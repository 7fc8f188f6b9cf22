"""The job, which is the saga: each method takes one fact and returns what follows from it.

A fact that comes late, twice or out of turn changes nothing and is answered with `Ignored`. What is asked
of credits is decided once, with one quantity, and only `settled` makes a job terminal. So a terminal job
never has an open hold and always has its receipt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.credits import CreditsSettled
from contracts.jobs import Result
from contracts.orders import Operation
from jobs.domain.attempt import Attempt, AttemptState
from jobs.domain.calls import Failed, Outcome, ProviderStatus, StepKind, Submitted, Succeeded
from jobs.domain.document import document, progress_of, receipt, summary
from jobs.domain.effects import Answered, Ended, Follow, Nudge, Wasted
from jobs.domain.keeping import Keeping
from jobs.domain.material import Material
from jobs.domain.record import Refusal
from jobs.domain.rules import Rules
from jobs.domain.state import TERMINAL, WANTING, WORKING, State, TooLate

POLL_BACKOFF = 1.5


@dataclass(slots=True, kw_only=True)
class Job(Keeping):
    """An order being carried out: facts in, messages and effects out."""

    # Waiting

    def begin(self, now: datetime, rules: Rules, refusal: Refusal | None, floor: int = 0) -> list[Follow]:
        """Wait for a slot, now that the credits are held, or give them back at once.

        Its versions begin after `floor`: a backup may have forgotten a job of this id that others know.
        """
        if self.version:
            return self._late("begin")
        self.version = floor
        if refusal:
            follows = self._settle(now, rules, refusal.code, refusal.reason)
            return [*follows, *self._say(now, "refused", refusal.code)]
        self._queue(now, rules)
        return [*self._say(now, "queued"), Nudge.DISPATCH]

    def dispatched(self, material: Material, now: datetime, rules: Rules) -> list[Follow]:
        """Start the step: a slot is free, and what the order refers to is at hand."""
        if self.state is not State.QUEUED:
            return self._late("dispatched")
        if self.material is None:
            self._take(material)
        self.code, self.reason, self.position = None, "", None
        self.progress = progress_of(self)
        return [*self._submit(now, rules), *self._say(now, "processing", self.kind.value)]

    def misses_material(self, now: datetime, rules: Rules) -> list[Follow]:
        """Wait a little for a model that the job's order names and nobody has told of yet."""
        if self.state is not State.QUEUED:
            return self._late("misses_material")
        self.waiting_since = self.waiting_since or now
        if now >= self.waiting_since + rules.model_wait:
            return self._settle(now, rules, "model_not_found", "the model or version is not there")
        self.not_before = now + min(rules.progress_every, rules.model_wait)
        return []

    def waits(self, code: str, position: int, now: datetime) -> list[Follow]:
        """Tell why the job waits, and how many of its team go first."""
        if self.state is not State.QUEUED or (self.code, self.position) == (code, position):
            return []
        self.code, self.position = code, position
        return self._say(now)

    # At the provider

    def accepted(
        self, attempt_id: UUID, submitted: Submitted, endpoint: str, now: datetime, rules: Rules
    ) -> list[Follow]:
        """Note that the provider has taken the call."""
        attempt = self._attempt(attempt_id)
        attempt.submitted, attempt.endpoint = submitted, endpoint
        if attempt.state is AttemptState.UNWANTED:
            return self._cancel_calls([attempt])
        if attempt.state not in (AttemptState.STARTED, AttemptState.IN_DOUBT):
            return self._late("accepted")
        attempt.state = AttemptState.ACCEPTED
        if self.state is State.SUBMITTING:
            self._run(now, rules.timing(self.kind))
        return self._cancel_calls([attempt]) if self.cancelling else []

    def not_accepted(
        self, attempt_id: UUID, now: datetime, rules: Rules, code: str = "provider_unavailable"
    ) -> list[Follow]:
        """Wait for a slot again: the provider surely did not take the call."""
        attempt = self._attempt(attempt_id)
        before = attempt.state
        if before in (AttemptState.STARTED, AttemptState.IN_DOUBT):
            attempt.end(AttemptState.NOT_ACCEPTED, now)  # also after its grace: it costs none of the few
        if before is not AttemptState.STARTED or self.state is not State.SUBMITTING:
            return self._late("not_accepted")
        answered = Answered(self.kind, code)
        if self.cancelling:
            return [answered, *self._settle(now, rules, "cancelled", "cancelled before it started")]
        self._queue(now, rules)
        self.code, self.reason, self.not_before = code, "", now + rules.store_retry
        return [answered, *self._say(now, self._back_in_line(code), code)]

    def in_doubt(self, attempt_id: UUID) -> list[Follow]:
        """Note that the answer to a call was lost: its callback, or the end of its grace, decides."""
        attempt = self._attempt(attempt_id)
        if attempt.state is not AttemptState.STARTED:
            return self._late("in_doubt")
        attempt.state = AttemptState.IN_DOUBT
        return []

    def polled(self, attempt_id: UUID, status: ProviderStatus, now: datetime, rules: Rules) -> list[Follow]:
        """Show how far the provider is."""
        attempt = self._attempt(attempt_id)
        if self.state is not State.RUNNING or attempt.state is not AttemptState.ACCEPTED:
            return self._late("polled")
        timing = rules.timing(self.kind)
        self.poll_wait = min(self.poll_wait * POLL_BACKOFF, timing.poll_max.total_seconds())
        self.poll_at = now + timedelta(seconds=self.poll_wait)
        progress = progress_of(self, status)
        if progress == self.progress or now < self.updated_at + rules.progress_every:
            return []
        self.progress = progress
        return self._say(now)

    def completed_unseen(self, now: datetime) -> list[Follow]:
        """Have the outcome fetched: a callback says it is there, but not what it is."""
        if self.state is not State.RUNNING:
            return self._late("completed_unseen")
        self.poll_at = now
        return [Nudge.POLL]

    def result(
        self,
        attempt_id: UUID,
        outcome: Outcome,
        now: datetime,
        rules: Rules,
        submitted: Submitted | None = None,
    ) -> list[Follow]:
        """Take the outcome of a call from whoever brings it first; `submitted` if its answer was lost."""
        attempt = self._attempt(attempt_id)
        attempt.submitted = attempt.submitted or submitted
        success = isinstance(outcome, Succeeded)
        if attempt.state is AttemptState.UNWANTED:
            attempt.end(AttemptState.WASTED if success else AttemptState.FAILED, now)
            return [Wasted(attempt.id)] if success else self._late("result")
        if not attempt.open or self.state not in WANTING:
            return self._late("result")
        attempt.end(AttemptState.SUCCEEDED if success else AttemptState.FAILED, now)
        if isinstance(outcome, Failed):
            return [Answered(self.kind, outcome.code), *self._failed(attempt, outcome, now, rules)]
        return [Answered(self.kind, "succeeded"), *self._succeeded(outcome, now, rules)]

    def cancel(self, now: datetime, rules: Rules) -> list[Follow]:
        """Stop it, if it can still be stopped; raises TooLate."""
        if self.cancelling:
            return [document(self)] if self.state in TERMINAL else self._say(now)
        if self.state is State.QUEUED:
            self.cancelling = True
            follows = self._settle(now, rules, "cancelled", "cancelled before it started")
            return [*follows, *self._say(now, "cancelling")]
        if self.state not in WORKING or (self.state is State.STORING and self.last_step):
            raise TooLate(self.state)
        self.cancelling = True
        self.poll_at = now if self.poll_at else None
        stops = self._cancel_calls(a for a in self.attempts if a.open)
        return [*stops, *self._say(now, "cancelling"), Nudge.POLL]

    # Storing

    def kept(self, step: int, results: Iterable[Result]) -> list[Follow]:
        """Note which results are stored; the others have to be tried again."""
        if self.state is not State.STORING or step != self.step:
            return self._late("kept")
        self.results = tuple(results)
        return []

    def stored(
        self, step: int, results: Iterable[Result], now: datetime, rules: Rules, code: str = ""
    ) -> list[Follow]:
        """Go on: all of this step that can be stored is. `code` says why the rest cannot."""
        if self.state is not State.STORING or step != self.step:
            return self._late("stored")
        self.results = tuple(results)
        if not self.last_step:
            return self._next_step(now, rules)
        return self._deliver(now, rules, code or "content_policy", trained=not code)

    # The end

    def deadline(self, now: datetime, rules: Rules) -> list[Follow]:
        """Act on the end of the time given to the present state."""
        if self.due_at is None or now < self.due_at:
            return []
        match self.state:
            case State.QUEUED:
                return self._settle(now, rules, "queue_timeout", "no slot came free in time")
            case State.SUBMITTING:
                return self._grace_over(now, rules)
            case State.RUNNING:
                return self._too_slow(now, rules)
            case State.STORING:
                return self._deliver(now, rules, "storage_failed", trained=False)
            case State.SETTLING if self.settlement is not None:
                self.due_at = now + rules.settle_repeat
                return [*self._ask(self.settlement, again=True), *self._alarm(self.settlement, now, rules)]
        return []

    def settled(self, fact: CreditsSettled, now: datetime, rules: Rules) -> list[Follow]:
        """Credits has decided: the job ends, with its receipt."""
        if self.state is State.QUEUED and fact.outcome == "expired":
            return self._settle(now, rules, "hold_expired", "the credits were no longer held")
        if self.state is not State.SETTLING or self.settlement is None:
            return self._late("settled")
        if fact.outcome == "expired" and self.settlement.quantity:
            return self._late("settled")  # said before the capture came; that is answered yet, and charges
        self.state = self._verdict(self.settlement)
        self.due_at = None
        self.receipt = receipt(self, self.settlement, fact)
        if self.state is State.COMPLETED and self.operation is Operation.GENERATE_IMAGES:
            self._keep_until(self._stored_at(now) + rules.retention, rules)
        return [*self._say(now, self.state.value), Ended(self.operation, self.state, now - self.created_at)]

    # What the facts have in common

    def _stored_at(self, now: datetime) -> datetime:
        """Return when storing began: no object is older, so the bucket's rule never ends it before we do."""
        return next((moment.at for moment in self.timeline if moment.event == "storing"), now)

    def _succeeded(self, outcome: Succeeded, now: datetime, rules: Rules) -> list[Follow]:
        stops = self._abandon(now)
        if self.cancelling and self.kind is StepKind.REFERENCE_SET:
            return [*stops, *self._settle(now, rules, "cancelled", "cancelled between its steps")]
        waited = self.state is State.QUEUED
        self.state, self.outcome = State.STORING, outcome
        self.due_at, self.poll_at = now + rules.storing_limit, None
        self.code, self.reason, self.position = None, "", None
        self._note(now, "storing", self.kind.value)
        return [*stops, *(self._say(now) if waited else ()), Nudge.STORE, Nudge.DISPATCH]

    def _failed(self, attempt: Attempt, failure: Failed, now: datetime, rules: Rules) -> list[Follow]:
        others = (other for other in self.attempts if other.open)
        if any(other.n > attempt.n or other.state is AttemptState.ACCEPTED for other in others):
            return []  # one of two has failed; the other is still at it
        if self.cancelling:
            return self._settle(now, rules, "cancelled", "stopped by the provider")
        if self.overdue:
            return self._settle(now, rules, "provider_timeout", "the provider took too long")
        if failure.retryable and self.state is State.QUEUED:
            return []  # it waits for its next turn already
        if failure.retryable and not self.retried:
            self.retried = True
            self._note(now, "retried", failure.code)
            return self._submit(now, rules)
        return self._settle(now, rules, failure.code, failure.detail)

    def _grace_over(self, now: datetime, rules: Rules) -> list[Follow]:
        latest = self.attempts[-1]
        if latest.state is AttemptState.STARTED:
            latest.state = AttemptState.IN_DOUBT
        silent = Answered(self.kind, "provider_unresponsive")
        if self.cancelling:
            return [silent, *self._settle(now, rules, "cancelled", "the provider never answered")]
        spent = sum(a.counts for a in self.attempts if a.step == self.step)
        if spent >= rules.timing(self.kind).attempts:
            return [silent, *self._settle(now, rules, "provider_unresponsive", "the provider never answered")]
        self._note(now, "retried", "provider_unresponsive")
        return [silent, *self._submit(now, rules)]

    def _too_slow(self, now: datetime, rules: Rules) -> list[Follow]:
        if self.overdue or self.cancelling:
            code = "cancelled" if self.cancelling else "provider_timeout"
            return self._settle(now, rules, code, "the provider took too long")
        self.overdue = True
        self.due_at = now + rules.stop_grace
        return self._cancel_calls(a for a in self.attempts if a.open)

    def _next_step(self, now: datetime, rules: Rules) -> list[Follow]:
        if self.cancelling:
            return self._settle(now, rules, "cancelled", "cancelled between its steps")
        drawn = sum(not result.withheld for result in self.results)
        if self.steps[self.step].kind is StepKind.TRAIN and drawn < rules.least_training_images:
            detail = "too few reference images could be made"
            return self._settle(now, rules, "not_enough_images", detail)
        self.step += 1
        self.retried = False
        self.progress = progress_of(self)
        return [*self._submit(now, rules), *self._say(now, "processing", self.kind.value)]

    def _deliver(self, now: datetime, rules: Rules, code: str, *, trained: bool) -> list[Follow]:
        units = int(trained) if self.kind is StepKind.TRAIN else self.delivered
        if not units:
            return self._settle(now, rules, code, summary(self, code))
        return self._settle(now, rules, "delivered", summary(self), units)
