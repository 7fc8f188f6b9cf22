"""What a job tells its team: why it ended, what happened when, how far it is, what it cost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from services.jobs.tests.stories import (
    NOW,
    RULES,
    SENT,
    TEAM,
    document,
    drawn,
    hold,
    kept,
    messages,
    queued,
    running,
    settled,
    settling,
    storing,
    submitting,
)

from contracts.credits import CreditsSettled, ReleaseCredits
from contracts.jobs import Cost, JobChanged, Moment, Progress, Receipt
from contracts.orders import Operation
from jobs.domain.birth import CANCELLED, MODEL_BUSY, born
from jobs.domain.calls import Failed, ProviderStatus, Succeeded
from jobs.domain.job import Job
from jobs.domain.material import Material
from jobs.domain.record import JobRecord, Price, Settlement
from jobs.domain.state import State, TooLate, public_status

UNSAFE = Failed("content_policy", "unsafe prompt")
BROKEN = Failed("provider_error", "a runner died", retryable=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def last(job: Job) -> UUID:
    return job.attempts[-1].id


def at(seconds: float):
    return NOW + timedelta(seconds=seconds)


def cancelled(job: Job) -> Job:
    job.cancel(NOW, RULES)
    return job


def training(**recipe) -> Job:
    """A creation whose reference set is stored, and whose training runs."""
    job = running(Operation.CREATE_MODEL, quantity=1, **recipe)
    job.result(last(job), drawn(4), NOW, RULES)
    job.stored(1, kept(4), NOW, RULES)
    job.accepted(last(job), SENT, "fal-ai/trainer", NOW, RULES)
    return job


def trained() -> Job:
    job = training()
    job.result(last(job), Succeeded(weights_url="https://fal/w"), NOW, RULES)
    return job


def refused(code: str) -> Callable[[Job], None]:
    return lambda job: job.result(last(job), Failed(code, ""), NOW, RULES)


def silent(job: Job) -> None:
    for n in range(1, 4):
        job.deadline(NOW + n * HOUR, RULES)


def unknown_model(job: Job) -> None:
    job.misses_material(NOW, RULES)
    job.misses_material(at(30), RULES)


ENDINGS = [
    (queued, lambda job: job.deadline(NOW + DAY, RULES), "queue_timeout", "no slot came free in time"),
    (
        queued,
        lambda job: job.settled(settled(job, outcome="expired"), NOW, RULES),
        "hold_expired",
        "the credits were no longer held",
    ),
    (queued, unknown_model, "model_not_found", "the model or version is not there"),
    (submitting, silent, "provider_unresponsive", "the provider never answered"),
    (submitting, refused("invalid_input"), "invalid_input", ""),
    (running, lambda job: job.result(last(job), UNSAFE, NOW, RULES), "content_policy", "unsafe prompt"),
    (
        running,
        lambda job: [job.deadline(at(900), RULES), job.deadline(at(960), RULES)],
        "provider_timeout",
        "the provider took too long",
    ),
    (
        running,
        lambda job: [job.deadline(at(900), RULES), job.result(last(job), BROKEN, at(901), RULES)],
        "provider_timeout",
        "the provider took too long",
    ),
    (
        storing,
        lambda job: job.stored(1, kept(2, withheld=[1, 2]), NOW, RULES),
        "content_policy",
        "the provider's safety checker kept every image back",
    ),
    (
        storing,
        lambda job: job.stored(1, (), NOW, RULES, "result_lost"),
        "result_lost",
        "the provider's results could not be read",
    ),
    (storing, lambda job: job.deadline(NOW + HOUR, RULES), "storage_failed", "the results could not be kept"),
    (trained, lambda job: job.deadline(NOW + HOUR, RULES), "storage_failed", "the results could not be kept"),
    (
        lambda: running(Operation.CREATE_MODEL),
        lambda job: [
            job.result(last(job), drawn(4), NOW, RULES),
            job.stored(1, kept(4, withheld=[1]), NOW, RULES),
        ],
        "not_enough_images",
        "too few reference images could be made",
    ),
    (
        lambda: queued(refusal=MODEL_BUSY),
        lambda _: None,
        "model_busy",
        "another version of this model is in training",
    ),
]


@pytest.mark.parametrize(("make", "end", "code", "reason"), ENDINGS)
def test_a_job_that_failed_says_why_and_costs_nothing(make, end, code, reason):
    job = make()
    end(job)
    assert job.settlement == Settlement(0, code, job.settlement.asked_at)
    said = document(job.settled(settled(job), NOW, RULES))
    assert (said.status, said.code, said.reason) == ("failed", code, reason)
    assert (said.receipt.captured, said.receipt.reason) == (0, code)


CANCELS = [
    (queued, lambda job: job.cancel(NOW, RULES), "cancelled before it started"),
    (
        lambda: cancelled(submitting()),
        lambda job: job.not_accepted(last(job), NOW, RULES),
        "cancelled before it started",
    ),
    (
        lambda: cancelled(submitting()),
        lambda job: job.deadline(NOW + HOUR, RULES),
        "the provider never answered",
    ),
    (
        lambda: cancelled(running()),
        lambda job: job.result(last(job), UNSAFE, NOW, RULES),
        "stopped by the provider",
    ),
    (lambda: cancelled(running()), lambda job: job.deadline(at(900), RULES), "the provider took too long"),
    (
        lambda: cancelled(running(Operation.CREATE_MODEL)),
        lambda job: job.result(last(job), drawn(4), NOW, RULES),
        "cancelled between its steps",
    ),
    (
        lambda: running(Operation.CREATE_MODEL),
        lambda job: [
            job.result(last(job), drawn(4), NOW, RULES),
            job.cancel(NOW, RULES),
            job.stored(1, kept(4), NOW, RULES),
        ],
        "cancelled between its steps",
    ),
    (lambda: queued(refusal=CANCELLED), lambda _: None, "cancelled before it began"),
]


@pytest.mark.parametrize(("make", "end", "reason"), CANCELS)
def test_a_job_that_was_cancelled_says_how_far_it_came_and_costs_nothing(make, end, reason):
    job = make()
    end(job)
    assert (job.settlement.quantity, job.settlement.code) == (0, "cancelled")
    said = document(job.settled(settled(job), NOW, RULES))
    assert (said.status, said.code, said.reason) == ("cancelled", "cancelled", reason)


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


def test_the_timeline_of_images_tells_each_turn():
    job, _ = born(hold(prompt="a red coat"), TEAM, None, NOW, RULES)
    job.dispatched(Material(), at(1), RULES)
    job.accepted(last(job), SENT, "", at(2), RULES)
    job.result(last(job), BROKEN, at(3), RULES)
    job.accepted(last(job), SENT, "", at(4), RULES)
    job.result(last(job), drawn(2), at(5), RULES)
    job.stored(1, kept(2), at(6), RULES)
    job.settled(settled(job, captured=4), at(7), RULES)
    job.expired(at(8) + 90 * DAY, RULES)
    assert job.timeline == (
        Moment(at=NOW, event="queued"),
        Moment(at=at(1), event="processing", detail="generate"),
        Moment(at=at(2), event="accepted_by_provider", detail="generate"),
        Moment(at=at(3), event="retried", detail="provider_error"),
        Moment(at=at(4), event="accepted_by_provider", detail="generate"),
        Moment(at=at(5), event="storing", detail="generate"),
        Moment(at=at(6), event="settling", detail="delivered"),
        Moment(at=at(7), event="completed"),
        Moment(at=at(8) + 90 * DAY, event="expired"),
    )


def test_the_timeline_of_a_training_tells_its_steps_and_its_cancel():
    job = training()
    job.cancel(at(9), RULES)
    job.deadline(at(3 * 3600), RULES)
    job.settled(settled(job), at(3 * 3600 + 1), RULES)
    assert [(moment.event, moment.detail) for moment in job.timeline] == [
        ("queued", ""),
        ("processing", "reference_set"),
        ("accepted_by_provider", "reference_set"),
        ("storing", "reference_set"),
        ("processing", "train"),
        ("accepted_by_provider", "train"),
        ("cancelling", ""),
        ("settling", "cancelled"),
        ("cancelled", ""),
    ]


def test_the_timeline_tells_of_calls_nobody_answered_and_of_refusals():
    job = submitting()
    job.deadline(at(150), RULES)
    assert job.timeline[-1] == Moment(at=at(150), event="retried", detail="provider_unresponsive")
    refusal = queued(refusal=MODEL_BUSY)
    assert [(moment.event, moment.detail) for moment in refusal.timeline] == [
        ("settling", "model_busy"),
        ("refused", "model_busy"),
    ]
    waiting = cancelled(queued())
    assert [moment.event for moment in waiting.timeline] == ["queued", "settling", "cancelling"]


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


def polled(job: Job, status: ProviderStatus, seconds: float) -> Progress | None:
    job.polled(last(job), status, at(seconds), RULES)
    return job.progress


def test_progress_begins_at_nothing_and_says_which_step_of_how_many():
    job = queued(Operation.CREATE_MODEL, quantity=1)
    job.dispatched(Material(), NOW, RULES)
    assert job.progress == Progress(step=1, steps=2, label="reference_set", percent=0)
    assert training().progress == Progress(step=2, steps=2, label="train", percent=0)


def test_progress_keeps_what_the_provider_does_not_tell_again():
    job = running()
    assert polled(job, ProviderStatus("queued", position=3), 1) == Progress(
        label="generate", percent=0, queue_position=3
    )
    assert polled(job, ProviderStatus("running", percent=40), 2) == Progress(label="generate", percent=40)
    assert polled(job, ProviderStatus("running"), 3) == Progress(label="generate", percent=40)


@pytest.mark.parametrize(("told", "shown"), [(-5, 0), (0, 0), (99, 99), (100, 100), (150, 100)])
def test_progress_is_a_percentage_whatever_the_provider_tells(told, shown):
    assert polled(running(), ProviderStatus("running", position=0, percent=told), 1).percent == shown


def test_progress_begins_anew_with_the_next_step():
    job = running(quantity=6)
    polled(job, ProviderStatus("running", percent=80), 1)
    job.result(last(job), drawn(4), at(2), RULES)
    job.stored(1, kept(4), at(3), RULES)
    assert job.progress == Progress(step=2, steps=2, label="generate", percent=0)


def test_a_waiting_job_says_why_and_its_place_until_it_is_started():
    job = queued()
    said = document(job.waits("plan_slots_busy", 3, at(1)))
    assert (said.status, said.code, said.position, said.version) == ("queued", "plan_slots_busy", 3, 2)
    assert job.waits("plan_slots_busy", 3, at(2)) == []
    assert document(job.waits("plan_slots_busy", 2, at(3))).position == 2
    assert document(job.waits("provider_busy", 2, at(4))).code == "provider_busy"
    assert [moment.event for moment in job.timeline] == ["queued"]
    said = document(job.dispatched(Material(), at(5), RULES))
    assert (said.code, said.reason, said.position) == (None, "", None)
    assert job.waits("provider_busy", 1, at(6)) == []


def test_a_job_that_waits_again_says_why_and_nothing_else():
    job = submitting()
    said = document(job.not_accepted(last(job), NOW, RULES, "storage_unavailable"))
    assert (said.status, said.code, said.reason) == ("queued", "storage_unavailable", "")
    assert said.timeline[-1] == Moment(at=NOW, event="queued", detail="storage_unavailable")


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
