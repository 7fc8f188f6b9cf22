"""What a job tells its team on the way: what happened when, how far it is, what it waits for."""

import pytest
from services.jobs.tests.stories import (
    BROKEN,
    DAY,
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
    queued,
    running,
    settled,
    submitting,
    training,
)

from contracts.jobs import Moment, Progress
from contracts.orders import Operation
from jobs.domain.birth import MODEL_BUSY, born
from jobs.domain.calls import ProviderStatus
from jobs.domain.job import Job
from jobs.domain.material import Material


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
