"""Why a job ended that delivered nothing: what its team reads, and that it costs nothing."""

from collections.abc import Callable

import pytest
from services.jobs.tests.stories import (
    BROKEN,
    DAY,
    HOUR,
    NOW,
    RULES,
    UNSAFE,
    at,
    cancelled,
    document,
    drawn,
    kept,
    last,
    queued,
    running,
    settled,
    storing,
    submitting,
    trained,
)

from contracts.orders import Operation
from jobs.domain.birth import CANCELLED, MODEL_BUSY
from jobs.domain.calls import Failed
from jobs.domain.job import Job
from jobs.domain.record import Settlement


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
