"""The saga under every order of its facts, each twice: one decision, one receipt, an end in every case."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from services.jobs.tests.stories import NOW, RULES, SENT, TEAM, drawn, hold, kept, settled

from contracts.credits import CaptureCredits, CreditsSettled, ReleaseCredits
from contracts.jobs import JobChanged
from contracts.orders import Operation
from jobs.domain.birth import born
from jobs.domain.calls import Failed, ProviderStatus, Succeeded
from jobs.domain.effects import Follow
from jobs.domain.job import Job
from jobs.domain.material import Material
from jobs.domain.state import TERMINAL, State, TooLate


class World:
    """A job, the credits that answer it once and for ever, and all that was said."""

    def __init__(self, operation: Operation) -> None:
        self.now = NOW
        self.job: Job
        self.asked: list[CaptureCredits | ReleaseCredits] = []
        self.documents: list[JobChanged] = []
        self.decision: CreditsSettled | None = None
        self.expiry: CreditsSettled | None = None
        self.job, follows = born(hold(operation), TEAM, None, NOW, RULES)
        self.hear(follows)

    def hear(self, follows: list[Follow]) -> None:
        for follow in follows:
            match follow:
                case CaptureCredits() | ReleaseCredits():
                    self.asked.append(follow)
                    self._decide(follow)
                case JobChanged():
                    self.documents.append(follow)
        self.check()

    def _decide(self, ask: CaptureCredits | ReleaseCredits) -> None:
        """Decide once, as credits does: only what expired may still be captured."""
        if isinstance(ask, CaptureCredits) and self.decision in (None, self.expiry):
            outcome = "late_captured" if self.expiry else "captured"
            self.decision = settled(self.job, captured=2 * ask.quantity, outcome=outcome)
        self.decision = self.decision or settled(self.job)

    def check(self) -> None:
        assert len({(ask.type, getattr(ask, "quantity", 0)) for ask in self.asked}) <= 1
        terminal = self.job.state in TERMINAL
        assert terminal == (self.job.receipt is not None)
        assert not terminal or self.asked
        assert terminal == (self.job.due_at is None)
        said = {}
        for document in self.documents:
            assert said.setdefault(document.version, document) == document
        assert sorted(said) == list(range(1, self.job.version + 1))
        open_attempts = [attempt for attempt in self.job.attempts if attempt.open]
        assert not open_attempts or self.job.state in (State.QUEUED, State.SUBMITTING, State.RUNNING)

    # The facts; one about a call needs the call.

    def dispatch(self) -> None:
        self.hear(self.job.dispatched(Material(), self.now, RULES))

    def misses(self) -> None:
        self.hear(self.job.misses_material(self.now, RULES))

    def cancel(self) -> None:
        try:
            self.hear(self.job.cancel(self.now, RULES))
        except TooLate:
            self.check()

    def settle(self) -> None:
        if self.decision:
            self.hear(self.job.settled(self.decision, self.now, RULES))

    def hold_expires(self) -> None:
        if self.decision is None:
            self.decision = self.expiry = settled(self.job, outcome="expired")
        self.hear(self.job.settled(self.expiry or self.decision, self.now, RULES))

    def time(self) -> None:
        self.now += timedelta(hours=1)
        self.hear(self.job.deadline(self.now, RULES))

    def store(self) -> None:
        self.hear(self.job.stored(self.job.step, kept(6, withheld=[2]), self.now, RULES))

    def store_partly(self) -> None:
        self.hear(self.job.kept(self.job.step, kept(1)))

    def of_call(self, n: int, fact: Callable[[UUID], list[Follow]]) -> None:
        if n < len(self.job.attempts):
            self.hear(fact(self.job.attempts[n].id))

    def accept(self, n: int = 0) -> None:
        self.of_call(n, lambda id_: self.job.accepted(id_, SENT, "", self.now, RULES))

    def doubt(self, n: int = 0) -> None:
        self.of_call(n, self.job.in_doubt)

    def refuse(self, n: int = 0) -> None:
        self.of_call(n, lambda id_: self.job.not_accepted(id_, self.now, RULES))

    def poll(self, n: int = 0) -> None:
        status = ProviderStatus("running", percent=50)
        self.of_call(n, lambda id_: self.job.polled(id_, status, self.now, RULES))

    def unseen(self) -> None:
        self.hear(self.job.completed_unseen(self.now))

    def succeed(self, n: int = 0) -> None:
        outcome = Succeeded(images=drawn(6).images, weights_url="https://fal/w")
        self.of_call(n, lambda id_: self.job.result(id_, outcome, self.now, RULES))

    def fail(self, n: int = 0) -> None:
        broken = Failed("provider_error", "", retryable=True)
        self.of_call(n, lambda id_: self.job.result(id_, broken, self.now, RULES))

    def reject(self, n: int = 0) -> None:
        unsafe = Failed("content_policy", "")
        self.of_call(n, lambda id_: self.job.result(id_, unsafe, self.now, RULES))

    def to_the_end(self) -> None:
        """Let time pass and credits answer, as the sweeps do, until nothing is left to do."""
        for _ in range(40):
            if self.job.state in TERMINAL:
                return
            self.now += timedelta(days=1)
            self.hear(self.job.deadline(self.now, RULES))
            self.settle()
        raise AssertionError(f"the job hangs in {self.job.state}")

    def ended(self) -> None:
        """The end is the truth: what is shown, what was asked and what was paid agree."""
        last = max(self.documents, key=lambda document: document.version)
        assert last.receipt is not None
        assert self.decision is not None
        assert last.receipt.captured == self.decision.captured
        captured = any(isinstance(ask, CaptureCredits) for ask in self.asked)
        assert (last.status == "completed") == captured
        before = (self.job.version, self.job.state)
        for fact in FACTS:
            fact(self)
        assert (self.job.version, self.job.state) == before


PLAIN: list[Callable[[World], None]] = [
    World.dispatch,
    World.misses,
    World.cancel,
    World.settle,
    World.hold_expires,
    World.time,
    World.store,
    World.store_partly,
    World.unseen,
]
OF_CALLS = [
    World.accept,
    World.doubt,
    World.refuse,
    World.poll,
    World.succeed,
    World.fail,
    World.reject,
]


def about(fact, n: int) -> Callable[[World], None]:
    return lambda world: fact(world, n)


FACTS = PLAIN + [about(fact, n) for fact in OF_CALLS for n in range(3)]


def test_every_order_of_the_main_facts_each_twice_ends_well():
    facts = [World.dispatch, World.accept, World.succeed, World.store, World.settle, World.cancel]
    for order in permutations(facts):
        world = World(Operation.GENERATE_IMAGES)
        for fact in order:
            fact(world)
            fact(world)
        world.to_the_end()
        world.ended()


@settings(max_examples=300)
@given(st.permutations(FACTS + FACTS), st.sampled_from(Operation))
def test_all_facts_in_any_order_each_twice_end_well(order, operation):
    model = {"model_id": UUID(int=5)} if operation is Operation.REFINE_MODEL else {}
    world = World(operation)
    world.job.recipe = world.job.recipe.model_copy(update=model)
    for fact in order:
        fact(world)
    world.to_the_end()
    world.ended()


@settings(max_examples=300)
@given(st.lists(st.sampled_from(FACTS), max_size=60), st.sampled_from(Operation))
def test_any_facts_at_all_end_well(facts, operation):
    world = World(operation)
    for fact in facts:
        fact(world)
    world.to_the_end()
    world.ended()
