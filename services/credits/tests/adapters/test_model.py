"""A simple model beside the real service on Postgres: whatever happens, in whatever order, they agree."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import ask, captured, order, period, released

from chassis.database import Database
from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldCredits
from credits.adapters.outbound.audit import PostgresAudit
from credits.application.adjust_credits import adjust_credits
from credits.application.verify_ledger import verify_ledger
from credits.domain.account import NotEnoughCredits

PERIOD = timedelta(days=10)
FAR = timedelta(days=10_000)


class Model:
    """One team's credits in plain numbers: the plan's bucket and the adjustments, and who holds what."""

    def __init__(self) -> None:
        self.generation = 0
        self.plan = 0
        self.ends = timedelta(0)
        self.extra = 0
        self.owed = 0
        self.holds: dict[UUID, tuple[int, int, int, timedelta]] = {}  # generation, of plan, of extra, until
        self.ended: dict[UUID, tuple[str, int, int]] = {}  # outcome, captured, released

    def expire(self, now: timedelta) -> None:
        if self.ends <= now:
            self.plan = 0
            self.generation += 1

    def hold(self, job: UUID, amount: int, now: timedelta) -> bool:
        self.expire(now)
        if amount > self.plan + self.extra or self.owed > 50:
            return False
        of_plan = min(self.plan, amount)
        self.plan -= of_plan
        self.extra -= amount - of_plan
        self.holds[job] = (
            self.generation,
            of_plan,
            amount - of_plan,
            now + timedelta(hours=30, minutes=18.75),
        )
        return True

    def pay(self, credits: int) -> int:
        paid = min(self.owed, credits)
        self.owed -= paid
        return credits - paid

    def settle(self, job: UUID, outcome: str, charge: int) -> None:
        generation, of_plan, of_extra, _ = self.holds.pop(job)
        from_plan = min(of_plan, charge)
        self.extra += of_extra - (charge - from_plan)
        if generation == self.generation:
            self.plan += of_plan - from_plan
        self.ended[job] = (outcome, charge, of_plan + of_extra - charge)

    def capture_late(self, job: UUID, held: int, due: int, now: timedelta) -> None:
        self.expire(now)
        of_plan = min(self.plan, due)
        of_extra = min(self.extra, due - of_plan)
        self.plan -= of_plan
        self.extra -= of_extra
        outcome = "late_captured" if of_plan + of_extra == due else "uncollected"
        self.owed += due - of_plan - of_extra
        self.ended[job] = (outcome, of_plan + of_extra, held - due)


class Machine(RuleBasedStateMachine):
    asked = Bundle("asked")
    runner: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.service = Credits(Postgres(self.database))
        self.start = self.service.clock.now
        self.team = uuid4()
        self.model = Model()
        self.version = 0

    def run(self, coroutine):
        return self.runner.run(coroutine)

    def tell(self, *messages):
        said = self.run(self.service.tell(*messages))
        documents = [message for message in said if isinstance(message, AccountChanged)]
        assert len(documents) <= 1
        for document in documents:
            assert document.version == self.version + 1
            assert {entry.version for entry in document.entries} == {document.version}
            self.version = document.version
        return said

    @property
    def now(self) -> timedelta:
        return self.service.clock.now - self.start

    @rule(credits=st.integers(0, 60))
    def replenish(self, credits):
        start = self.service.clock.now
        fields = {"period_end": start + PERIOD, "plan": "free", "source_ref": str(uuid4())}
        self.tell(period(self.team, credits, start, **fields))
        self.model.plan, self.model.ends = self.model.pay(credits), self.now + PERIOD
        self.model.generation += 1

    @rule(amount=st.integers(-20, 20).filter(bool))
    def adjust(self, amount):
        self.model.expire(self.now)
        try:
            self.run(
                adjust_credits(self.team, amount, "x", self.service.store.transaction, self.service.clock)
            )
        except NotEnoughCredits:
            assert -amount > self.model.plan + self.model.extra
            return
        self.run(self.service.store.said())
        self.version = self.run(self.service.account(self.team)).version
        of_plan = min(self.model.plan, max(0, -amount))
        self.model.plan -= of_plan
        self.model.extra += self.model.pay(amount) if amount > 0 else amount + of_plan

    @rule(target=asked, quantities=st.lists(st.integers(1, 8), min_size=1, max_size=3))
    def hold(self, quantities):
        asks = [ask(self.team, order(n), not_after=self.start + FAR) for n in quantities]
        said = self.tell(*asks)
        held = {message.request_id for message in said if isinstance(message, CreditsHeld)}
        for command in asks:
            job, amount = command.orders[0].job_id, 2 * command.orders[0].quantity
            assert (command.request_id in held) == self.model.hold(job, amount, self.now)
        return multiple(*asks)

    @rule(command=asked)
    def ask_again(self, command: HoldCredits):
        (answer,) = self.tell(command)
        known = command.orders[0].job_id in {**self.model.holds, **self.model.ended}
        assert isinstance(answer, CreditsHeld) == known

    @rule(command=asked, kept=st.integers(0, 8))
    def settle(self, command: HoldCredits, kept: int):
        job, quantity = command.orders[0].job_id, command.orders[0].quantity
        if job not in self.model.holds and job not in self.model.ended:
            return
        kept = min(kept, quantity)
        said = self.tell(captured(command, kept) if kept else released(command))
        if job in self.model.holds:
            self.model.settle(job, "captured" if kept else "released", 2 * kept)
        elif kept and self.model.ended[job][0] == "expired":
            self.model.capture_late(job, 2 * quantity, 2 * kept, self.now)
        (settled,) = (message for message in said if isinstance(message, CreditsSettled))
        assert (settled.outcome, settled.captured, settled.released) == self.model.ended[job]

    @rule(hours=st.integers(1, 60))
    def wait(self, hours):
        self.service.clock.forward(timedelta(hours=hours))
        self.run(self.service.expire(self.team))
        self.version = self.run(self.service.account(self.team)).version
        for job, (_, _, _, until) in list(self.model.holds.items()):
            if until <= self.now:
                self.model.settle(job, "expired", 0)
        self.model.expire(self.now)

    @invariant()
    def they_agree(self):
        account = self.run(self.service.account(self.team))
        assert account.available == self.model.plan + self.model.extra
        assert account.uncollected == self.model.owed
        assert account.reserved == sum(plan + extra for _, plan, extra, _ in self.model.holds.values())

    def teardown(self):
        if self.version % 5 == 0:
            report = self.run(verify_ledger(PostgresAudit(self.database)))
            assert report.findings == 0, "\n".join(report.lines())


@pytest.mark.timeout(60)
def test_the_service_agrees_with_a_simple_model(migrated: str):
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(migrated, "credits", pool_size=2)
        machine = type("Bound", (Machine,), {"runner": runner, "database": database})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
            report = runner.run(verify_ledger(PostgresAudit(database)))
            assert report.findings == 0, "\n".join(report.lines())
        finally:
            runner.run(database.close())
