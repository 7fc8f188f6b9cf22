"""What a job tells its team when it ends: what it delivered, what is missing, what it cost."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from services.jobs.tests.stories import (
    DAY,
    HOUR,
    NOW,
    RULES,
    SENT,
    TEAM,
    at,
    cancelled,
    document,
    drawn,
    hold,
    kept,
    last,
    messages,
    queued,
    settled,
    settling,
    storing,
    trained,
)

from contracts.credits import CreditsSettled, ReleaseCredits
from contracts.jobs import Cost, JobChanged, Receipt
from contracts.orders import Operation
from jobs.domain.birth import born
from jobs.domain.job import Job
from jobs.domain.material import Material
from jobs.domain.record import JobRecord, Price
from jobs.domain.state import State, TooLate, public_status


@pytest.mark.parametrize(
    ("results", "missing"),
    [
        (kept(3), ""),
        (
            kept(3, withheld=[3]),
            "2 of 3 images delivered (1 kept back by the safety checker)",
        ),
        (kept(1), "1 of 3 images delivered (2 not made)"),
        (
            kept(2, withheld=[1]),
            "1 of 3 images delivered (1 kept back by the safety checker, 1 not made)",
        ),
    ],
)
def test_a_job_that_delivered_says_what_is_missing(results, missing):
    job = storing(quantity=3)
    job.stored(1, results, NOW, RULES)
    reason = f"{missing}; the rest is not charged" if missing else ""
    assert (job.settlement.code, job.reason, job.code) == ("delivered", reason, None)


def test_a_completed_job_is_shown_whole():
    user, job_id = UUID(int=3), UUID(int=4)
    wanted = hold(job_id=job_id, prompt="a red coat")
    wanted = wanted.model_copy(update={"order": wanted.order.model_copy(update={"user_id": user})})
    job, _ = born(wanted, TEAM, None, NOW, RULES)
    job.dispatched(Material(), at(1), RULES)
    job.accepted(last(job), SENT, "", at(2), RULES)
    job.result(last(job), drawn(2), at(3), RULES)
    job.stored(1, kept(2, withheld=[2]), at(4), RULES)
    fact = CreditsSettled(
        job_id=job_id,
        team_id=TEAM,
        outcome="uncollected",
        held=4,
        captured=2,
        released=1,
        uncollected=1,
        entry_ids=(UUID(int=5), UUID(int=6)),
    )
    assert document(job.settled(fact, at(5), RULES)) == JobChanged(
        id=job_id,
        team_id=TEAM,
        user_id=user,
        version=3,
        operation=Operation.GENERATE_IMAGES,
        status="completed",
        quantity=2,
        cost=Cost(held=4, unit_price=2, price_version=1),
        reason="1 of 2 images delivered (1 kept back by the safety checker); the rest is not charged",
        recipe=wanted.order.recipe,
        results=tuple(
            result.model_copy(update={"expires_at": at(3) + 90 * DAY if result.key else None})
            for result in kept(2, withheld=[2])
        ),
        receipt=Receipt(
            held=4,
            captured=2,
            released=1,
            uncollected=1,
            unit_price=2,
            units=1,
            reason="delivered",
            entry_ids=(UUID(int=5), UUID(int=6)),
        ),
        timeline=job.timeline,
        created_at=NOW,
        updated_at=at(5),
        expires_at=at(3) + 90 * DAY,
    )


def test_images_that_cost_nothing_have_a_receipt_without_units():
    job = settling()
    job.price = Price(0, 0, NOW + 3 * DAY)
    said = document(job.settled(settled(job, outcome="captured"), NOW, RULES))
    assert (said.status, said.receipt.unit_price, said.receipt.units) == ("completed", 0, 0)


def test_what_could_be_collected_of_an_image_in_part_is_no_unit():
    job = settling()
    job.price = Price(6, 3, NOW + 3 * DAY)
    said = document(job.settled(settled(job, captured=5, outcome="uncollected"), NOW, RULES))
    assert (said.receipt.captured, said.receipt.units) == (5, 1)


def test_expired_images_are_gone_and_the_reason_says_that_the_recipe_is_not():
    job = settling()
    job.settled(settled(job, captured=4), NOW, RULES)
    said = document(job.expired(NOW + 90 * DAY, RULES))
    assert said.reason == "the images were kept as long as promised; the recipe can be used again"
    assert said.updated_at == NOW + 90 * DAY


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (storing, "its results are already being kept"),
        (settling, "its results are already being kept"),
        (lambda: ended(settling()), "it has ended"),
    ],
    ids=["storing", "settling", "ended"],
)
def test_a_cancel_that_comes_too_late_says_why(make: Callable[[], Job], why: str):
    with pytest.raises(TooLate) as refusal:
        make().cancel(NOW, RULES)
    assert str(refusal.value) == why


def ended(job: Job) -> Job:
    job.settled(settled(job, captured=4), NOW, RULES)
    return job


def test_a_cancel_asked_again_after_the_end_hears_how_it_ended():
    job = ended(cancelled(queued()))
    before = job.version
    assert document(job.cancel(NOW, RULES)).status == "cancelled"
    assert job.version == before


@pytest.mark.parametrize(
    ("state", "shown", "stopping"),
    [
        (State.QUEUED, "queued", "cancelling"),
        (State.SUBMITTING, "processing", "cancelling"),
        (State.RUNNING, "processing", "cancelling"),
        (State.STORING, "processing", "cancelling"),
        (State.SETTLING, "processing", "cancelling"),
        (State.COMPLETED, "completed", "completed"),
        (State.FAILED, "failed", "failed"),
        (State.CANCELLED, "cancelled", "cancelled"),
        (State.EXPIRED, "expired", "expired"),
    ],
)
def test_a_team_sees_what_matters_to_it_of_each_state(state, shown, stopping):
    assert public_status(state, cancelling=False) == shown
    assert public_status(state, cancelling=True) == stopping


def test_a_training_whose_weights_cannot_be_kept_in_time_is_not_charged():
    job = trained()
    follows = job.deadline(NOW + HOUR, RULES)
    assert messages(follows) == [ReleaseCredits(job_id=job.id, team_id=TEAM, reason="storage_failed")]


def test_what_keeps_a_model_busy_is_a_training_that_has_not_ended():
    model = UUID(int=8)

    def busy(operation: Operation, state: State) -> UUID | None:
        job: JobRecord = queued(operation, model_id=model)
        job.state = state
        return job.training_of

    for state in State:
        working = state in (State.QUEUED, State.SUBMITTING, State.RUNNING, State.STORING)
        assert busy(Operation.CREATE_MODEL, state) == (model if working else None)
        assert busy(Operation.REFINE_MODEL, state) == (model if working else None)
        assert busy(Operation.GENERATE_IMAGES, state) is None
    assert replace(queued(Operation.CREATE_MODEL), id=model).training_of == model
