from datetime import UTC, datetime
from uuid import uuid4

from chassis.testing import delivery
from contracts.billing import Limits, PlanChanged
from contracts.credits import AccountChanged, CreditsHeld, CreditsQuoted, Entry, HoldDeclined
from contracts.envelope import Delivery
from contracts.jobs import JobChanged, JobsRefused
from contracts.orders import Operation, Recipe
from gateway.domain.requests import GRANTED, Verdict
from gateway.domain.verdicts import credited, spoken, stopping

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def job(status: str) -> JobChanged:
    return JobChanged(
        id=uuid4(), team_id=uuid4(), version=1, operation=Operation.GENERATE_IMAGES, status=status,
        quantity=1, recipe=Recipe(), created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def entry(kind: str) -> Entry:
    return Entry(id=uuid4(), kind=kind, amount=1, balance_after=200, version=2, at=NOW)


def test_each_answer_is_the_verdict_of_the_request_it_names():
    held = CreditsHeld(request_id=uuid4(), team_id=uuid4(), holds=())
    no = HoldDeclined(
        request_id=uuid4(), team_id=uuid4(), code="insufficient_credits", required=8, spendable=3
    )
    quoted = CreditsQuoted(
        request_id=uuid4(), team_id=uuid4(), id=uuid4(), items=(), total=0, price_version=1, expires_at=NOW
    )
    refused = JobsRefused(request_id=uuid4(), about=uuid4(), code="too_late", detail="It has ended.")

    found = spoken([delivery(held), delivery(no), delivery(refused), delivery(quoted)])

    assert (found[held.request_id], found[quoted.request_id]) == (GRANTED, GRANTED)
    assert (found[no.request_id].outcome, found[no.request_id].required) == ("declined", 8)
    assert found[refused.request_id] == Verdict("refused", "too_late", "It has ended.")


def test_a_jobs_document_answers_the_request_that_caused_it():
    caused = Delivery(job("cancelled"), uuid4(), uuid4())

    assert spoken([caused]) == {caused.correlation_id: GRANTED}


def test_what_a_job_says_on_its_own_account_answers_nobody():
    said = job("completed")

    assert spoken([Delivery(said, uuid4(), said.id)]) == {}


def test_documents_of_others_are_no_verdict():
    plan = PlanChanged(
        team_id=uuid4(), version=1, plan="free", status="active",
        limits=Limits(running=1, open=20, per_minute=60),
    )  # fmt: skip

    assert spoken([delivery(plan)]) == {}


def test_whoever_wants_a_job_stopped_need_not_ask_again_once_it_stops():
    stops, runs = job("cancelling"), job("processing")

    assert stopping([stops, runs]) == {stops.id}


def test_a_sign_up_waits_for_credits_and_not_for_an_empty_account():
    empty = AccountChanged(team_id=uuid4(), version=1, available=0, bonus=0, reserved=0)
    full = AccountChanged(team_id=uuid4(), version=1, available=200, bonus=0, reserved=0)

    assert credited([empty, full]) == {full.team_id}


def test_what_jobs_cost_is_no_news_for_a_sign_up():
    spent, paid = (
        AccountChanged(
            team_id=uuid4(), version=2, available=200, bonus=0, reserved=0, entries=tuple(map(entry, kinds))
        )
        for kinds in (["reserve", "deduct", "refund"], ["reserve", "replenish"])
    )

    assert credited([spent, paid]) == {paid.team_id}
