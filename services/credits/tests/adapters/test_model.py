"""A simple model beside the real service on Postgres: whatever happens, in whatever order, they agree."""

import asyncio
from datetime import timedelta
from fractions import Fraction
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.model import FAR, Model
from services.credits.tests.stories import (
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    released,
    top_up,
)

from chassis.database import Database
from contracts.billing import PeriodOpened
from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldCredits
from credits.adapters.outbound.audit import PostgresAudit
from credits.application.adjust_credits import adjust_credits
from credits.application.freeze_account import set_account_frozen
from credits.application.grant_bonus import grant_bonus
from credits.application.refund_captured_job import refund_captured_job
from credits.application.verify_ledger import verify_ledger
from credits.domain.account import NotEnoughCredits
from credits.domain.books import ConflictingContent
from credits.domain.compensating import NothingToRefund

PERIOD = timedelta(days=10)
SHARES = {1.0: Fraction(1), 0.5: Fraction(1, 2), 1 / 3: Fraction(1, 3), 0.07: Fraction(7, 100)}
shares = st.sampled_from(sorted(SHARES))


class Machine(RuleBasedStateMachine):
    """Payments are agreed on first and heard later, or twice, or after their refund, or never."""

    asked = Bundle("asked")
    paid = Bundle("paid")
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
        self.service.clock.forward(timedelta(seconds=1))  # buckets differ in age
        return self.runner.run(coroutine)

    def tell(self, *messages):
        return self.hear(self.run(self.service.tell(*messages)))

    def operate(self, command, *arguments, **options):
        answer = self.run(command(*arguments, self.service.store.transaction, self.service.clock, **options))
        self.hear(self.runner.run(self.service.store.said()))
        return answer

    def hear(self, said):
        documents = [message for message in said if isinstance(message, AccountChanged)]
        for document in documents:
            assert document.version == self.version + 1
            assert {entry.version for entry in document.entries} == {document.version}
            assert document.entries[-1].balance_after == document.available + document.bonus
            self.version = document.version
        return said

    @property
    def now(self) -> timedelta:
        return self.service.clock.now - self.start

    @rule(
        target=paid,
        credits=st.integers(0, 60),
        days=st.integers(0, 5),
        kind=st.sampled_from(["reset", "reset", "add"]),
    )
    def bill(self, credits, days, kind):
        start = self.service.clock.now - timedelta(days=days)
        fields = {"period_end": start + PERIOD, "plan": "free", "source_ref": str(uuid4())}
        return period(self.team, credits, start, kind, **fields)

    @rule(target=paid, credits=st.integers(1, 40), days=st.none() | st.integers(0, 12))
    def sell(self, credits, days):
        ends = None if days is None else self.service.clock.now + timedelta(days=days)
        return top_up(self.team, credits, source_ref=str(uuid4()), expires_at=ends)

    @rule(paid=paid)
    def credit(self, paid):
        self.tell(paid)
        if isinstance(paid, PeriodOpened):
            start, ends = paid.period_start - self.start, paid.period_end - self.start
            self.model.period(paid.source_ref, paid.credits, start, ends, self.now, add=paid.kind == "add")
        else:
            ends = paid.expires_at - self.start if paid.expires_at else FAR
            self.model.grant("topup", paid.source_ref, paid.credits, ends, self.now)

    @rule(paid=paid, share=shares, again=st.sampled_from(["", "again"]))
    def refund(self, paid, share, again):
        fact = refund(paid, share, source_ref=f"refund:{again}:{paid.source_ref}")
        self.tell(fact)
        self.model.refund(fact.source_ref, paid.source_ref, SHARES[share])

    @rule(paid=paid, share=shares, again=st.sampled_from(["", "again"]))
    def refund_fails(self, paid, share, again):
        fact = refund(paid, share, source_ref=f"refund:{again}:{paid.source_ref}", state="failed")
        self.tell(fact)
        known = self.model.demands.get(fact.source_ref)
        if known in (None, (paid.source_ref, SHARES[share])):  # with other content it is a conflict
            self.model.refund_fails(fact.source_ref, paid.source_ref, SHARES[share])

    @rule(paid=paid, state=st.sampled_from(["opened", "won", "lost"]))
    def dispute(self, paid, state):
        fact = dispute(paid, state, 0.5)
        self.tell(fact)
        self.model.dispute(fact.source_ref, paid.source_ref, SHARES[0.5], state)

    @rule(amount=st.integers(-20, 20).filter(bool))
    def adjust(self, amount):
        if amount > 0:
            self.operate(adjust_credits, self.team, amount, "x")
            self.model.expire(self.now)
            self.model.grant("adjustment", str(uuid4()), amount, FAR, self.now)
            return
        try:
            self.operate(adjust_credits, self.team, amount, "x")
        except NotEnoughCredits:
            assert -amount > self.model.spendable
        else:
            assert self.model.take(-amount, self.now)

    @precondition(lambda self: self.version)
    @rule(amount=st.integers(1, 20), days=st.integers(1, 12))
    def give_bonus(self, amount, days):
        ends = self.service.clock.now + timedelta(days=days)
        self.operate(grant_bonus, self.team, amount, ends, "x", None)
        self.model.expire(self.now)
        self.model.grant("bonus", str(uuid4()), amount, ends - self.start, self.now)

    @precondition(lambda self: self.version)
    @rule(frozen=st.sampled_from([False, False, True]))
    def freeze(self, frozen):
        _, changed = self.operate(set_account_frozen, self.team, "x", None, frozen=frozen)
        assert changed == (frozen != self.model.frozen)
        self.model.frozen = frozen

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
        elif kept and self.model.ended[job].outcome == "expired":
            self.model.capture_late(job, 2 * quantity, 2 * kept, self.now)
        (settled,) = (message for message in said if isinstance(message, CreditsSettled))
        ended = self.model.ended[job]
        assert (settled.outcome, settled.captured, settled.released) == (
            ended.outcome,
            ended.captured,
            ended.released,
        )

    @rule(command=asked, amount=st.integers(1, 16))
    def refund_job(self, command: HoldCredits, amount: int):
        job = command.orders[0].job_id
        try:
            self.operate(refund_captured_job, job, amount, "x", None)
        except (NothingToRefund, ConflictingContent):
            assert not self.model.refund_job(job, amount)
        else:
            assert self.model.refund_job(job, amount)

    @rule(hours=st.integers(1, 60))
    def wait(self, hours):
        self.service.clock.forward(timedelta(hours=hours))
        self.hear(self.run(self.service.expire(self.team)))
        for job, taken in list(self.model.holds.items()):
            if taken.until <= self.now:
                self.model.settle(job, "expired", 0)
        self.model.expire(self.now)

    @invariant()
    def they_agree(self):
        account = self.runner.run(self.service.account(self.team))
        model = self.model
        assert (account.available, account.bonus) == (model.spendable - model.bonus, model.bonus)
        assert (account.reserved, account.uncollected) == (model.reserved, model.owed)
        assert account.frozen == model.is_frozen
        pots = sorted((pot.kind, pot.free, pot.held) for pot in model.pots if pot.free or pot.held)
        assert sorted((b.kind, b.remaining, b.held) for b in account.buckets) == pots

    @invariant()
    def every_promise_holds(self):
        report = self.runner.run(verify_ledger(PostgresAudit(self.database)))
        assert report.findings == 0, "\n".join(report.lines())


@pytest.mark.timeout(180)
def test_the_service_agrees_with_a_simple_model(migrated: str):
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(migrated, "credits", pool_size=2)
        machine = type("Bound", (Machine,), {"runner": runner, "database": database})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=25,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.close())
