"""Facts that come late, twice or out of turn: each changes nothing and is counted under its name."""

from dataclasses import replace
from datetime import timedelta

import pytest
from services.jobs.tests.stories import (
    BROKEN,
    NOW,
    RULES,
    SENT,
    drawn,
    effects,
    kept,
    last,
    messages,
    queued,
    running,
    settled,
    settling,
    storing,
    submitting,
)

from contracts.orders import Operation
from jobs.domain.attempt import AttemptState
from jobs.domain.calls import ProviderStatus, Submitted, Succeeded
from jobs.domain.effects import CancelCall, Ignored, Submit, Wasted
from jobs.domain.job import Job
from jobs.domain.material import Material
from jobs.domain.state import State

SOON = NOW + timedelta(minutes=3)
HALF = ProviderStatus("running", percent=50)
OTHER = Submitted("r-2", "u", "s", "c")


def twice() -> Job:
    """A job whose first call is in doubt and whose second is being made."""
    job = submitting()
    job.deadline(SOON, RULES)
    return job


def done(**recipe) -> Job:
    job = settling(**recipe)
    job.settled(settled(job, captured=4), NOW, RULES)
    return job


def trained() -> Job:
    job = running(Operation.CREATE_MODEL, quantity=1)
    for step, outcome in ((1, drawn(4)), (2, Succeeded(weights_url="https://fal/w"))):
        job.result(last(job), outcome, NOW, RULES)
        job.stored(step, kept(4), NOW, RULES)
    job.settled(settled(job, captured=2), NOW, RULES)
    return job


LATE = [
    ("begin", queued, lambda job: job.begin(NOW, RULES, None)),
    ("dispatched", submitting, lambda job: job.dispatched(Material(), NOW, RULES)),
    ("misses_material", submitting, lambda job: job.misses_material(NOW, RULES)),
    ("accepted", running, lambda job: job.accepted(last(job), SENT, "", NOW, RULES)),
    ("accepted", storing, lambda job: job.accepted(last(job), SENT, "", NOW, RULES)),
    ("not_accepted", running, lambda job: job.not_accepted(last(job), NOW, RULES)),
    ("not_accepted", twice, lambda job: job.not_accepted(job.attempts[0].id, NOW, RULES)),
    ("in_doubt", running, lambda job: job.in_doubt(last(job))),
    ("polled", storing, lambda job: job.polled(last(job), HALF, SOON, RULES)),
    ("polled", submitting, lambda job: job.polled(last(job), HALF, SOON, RULES)),
    ("completed_unseen", submitting, lambda job: job.completed_unseen(NOW)),
    ("result", storing, lambda job: job.result(last(job), drawn(2), NOW, RULES)),
    ("kept", running, lambda job: job.kept(1, kept(2))),
    ("kept", storing, lambda job: job.kept(2, kept(2))),
    ("stored", running, lambda job: job.stored(1, kept(2), NOW, RULES)),
    ("stored", storing, lambda job: job.stored(2, kept(2), NOW, RULES)),
    ("settled", running, lambda job: job.settled(settled(job), NOW, RULES)),
    ("settled", queued, lambda job: job.settled(settled(job), NOW, RULES)),
    ("settled", done, lambda job: job.settled(settled(job, captured=4), NOW, RULES)),
    ("expired", trained, lambda job: job.expired(NOW + timedelta(days=900), RULES)),
    ("expired", settling, lambda job: job.expired(NOW + timedelta(days=900), RULES)),
]


@pytest.mark.parametrize(
    ("name", "make", "late"), LATE, ids=[f"{name} while {make.__name__}" for name, make, _ in LATE]
)
def test_a_late_fact_changes_nothing_and_is_counted_under_its_name(name, make, late):
    job = make()
    before = (job.version, job.state, job.timeline, job.results, job.due_at, job.poll_at)
    assert late(job) == [Ignored(name)]
    assert (job.version, job.state, job.timeline, job.results, job.due_at, job.poll_at) == before


def test_images_expire_once():
    job = done()
    end = NOW + timedelta(days=90)
    job.expired(end, RULES)
    assert job.expired(end, RULES) == [Ignored("expired")]


def test_a_poll_of_a_call_that_is_not_running_says_nothing_of_the_one_that_is():
    job = twice()
    job.accepted(last(job), SENT, "", NOW, RULES)
    assert job.polled(job.attempts[0].id, HALF, SOON, RULES) == [Ignored("polled")]


def test_what_is_unsettled_is_not_asked_for_before_its_minute_is_over():
    job = settling()
    assert job.deadline(NOW + timedelta(seconds=59), RULES) == []
    assert len(messages(job.deadline(NOW + timedelta(seconds=60), RULES))) == 1
    assert job.deadline(NOW + timedelta(seconds=61), RULES) == []


def test_what_is_stored_has_an_hour_to_be():
    job = storing()
    assert job.deadline(NOW + timedelta(minutes=59), RULES) == []
    assert job.state is State.STORING


def test_a_call_is_written_down_with_its_job_its_number_and_its_end():
    job = twice()
    first, second = job.attempts
    assert (first.job_id, first.step, first.n, first.started_at) == (job.id, 1, 1, NOW)
    assert (second.job_id, second.step, second.n, second.started_at) == (job.id, 1, 2, SOON)
    assert (first.state, first.ended_at) == (AttemptState.IN_DOUBT, None)
    job.result(second.id, drawn(2), NOW + timedelta(hours=1), RULES)
    assert (second.state, second.ended_at) == (AttemptState.SUCCEEDED, NOW + timedelta(hours=1))
    assert (first.state, first.ended_at) == (AttemptState.UNWANTED, NOW + timedelta(hours=1))


def test_a_call_that_turns_out_never_to_have_been_made_costs_none_of_the_few():
    job, now = twice(), SOON
    assert job.not_accepted(job.attempts[0].id, SOON, RULES) == [Ignored("not_accepted")]
    assert (job.attempts[0].state, job.attempts[0].ended_at) == (AttemptState.NOT_ACCEPTED, SOON)
    while job.state is State.SUBMITTING:
        now += timedelta(minutes=3)
        job.deadline(now, RULES)
    assert [attempt.state for attempt in job.attempts[1:]] == [AttemptState.UNWANTED] * 3


def test_a_call_that_failed_is_written_down_as_such():
    job = running()
    job.result(last(job), BROKEN, SOON, RULES)
    assert (job.attempts[0].state, job.attempts[0].ended_at) == (AttemptState.FAILED, SOON)
    refused = submitting()
    refused.not_accepted(last(refused), SOON, RULES)
    assert (refused.attempts[0].state, refused.attempts[0].ended_at) == (AttemptState.NOT_ACCEPTED, SOON)


@pytest.mark.parametrize(
    ("outcome", "state", "follows"),
    [
        (drawn(2), AttemptState.WASTED, lambda attempt: [Wasted(attempt.id)]),
        (BROKEN, AttemptState.FAILED, lambda _: [Ignored("result")]),
    ],
    ids=["result", "failure"],
)
def test_only_a_result_that_nobody_wants_any_more_is_waste(outcome, state, follows):
    job = twice()
    first, second = job.attempts
    job.result(second.id, drawn(2), NOW, RULES)
    assert job.result(first.id, outcome, SOON, RULES) == follows(first)
    assert (first.state, first.ended_at) == (state, SOON)


def test_calls_are_no_longer_wanted_once_their_job_is_given_up():
    job = running()
    job.deadline(NOW + timedelta(minutes=15), RULES)
    job.deadline(NOW + timedelta(minutes=16), RULES)
    (attempt,) = job.attempts
    assert (attempt.state, attempt.ended_at) == (AttemptState.UNWANTED, NOW + timedelta(minutes=16))


def test_a_training_has_times_of_its_own():
    job = running(Operation.CREATE_MODEL, quantity=1)
    job.result(last(job), drawn(4), NOW, RULES)
    job.stored(1, kept(4), NOW, RULES)
    assert job.due_at == NOW + timedelta(minutes=25)
    job.accepted(last(job), SENT, "", NOW, RULES)
    assert (job.due_at, job.poll_at) == (NOW + timedelta(hours=3), NOW + timedelta(seconds=15))
    for _ in range(9):
        job.polled(last(job), ProviderStatus("running"), NOW, RULES)
    assert job.poll_at == NOW + timedelta(seconds=60)


def test_polls_back_off_even_from_an_instant():
    instant = replace(RULES, images=replace(RULES.images, poll_first=timedelta(microseconds=1)))
    job = submitting()
    job.accepted(last(job), SENT, "", NOW, instant)
    waits = []
    for _ in range(3):
        job.polled(last(job), ProviderStatus("running"), NOW, instant)
        waits.append((job.poll_at - NOW).total_seconds())
    assert waits == [0.15, 0.225, 0.3375]


def test_each_step_may_be_tried_once_more():
    job = running(quantity=6)
    job.result(last(job), BROKEN, NOW, RULES)
    job.result(last(job), drawn(4), NOW, RULES)
    job.stored(1, kept(4), NOW, RULES)
    assert effects(job.result(last(job), BROKEN, NOW, RULES)) == [Submit(job, job.attempts[3])]
    assert [(attempt.step, attempt.n) for attempt in job.attempts] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_cancelled_job_is_looked_after_at_once_when_there_is_a_call_to_look_after():
    job = submitting()
    job.cancel(NOW, RULES)
    assert job.poll_at is None
    assert job.accepted(last(job), SENT, "", SOON, RULES) == [CancelCall(SENT, job.traceparent)]
    assert job.poll_at == SOON
    seen = running()
    seen.cancel(SOON, RULES)
    assert seen.poll_at == SOON


def test_a_cancel_stops_every_call_that_may_still_run():
    job = twice()
    job.accepted(job.attempts[0].id, SENT, "", NOW, RULES)
    job.accepted(job.attempts[1].id, OTHER, "", NOW, RULES)
    assert effects(job.cancel(NOW, RULES))[:2] == [
        CancelCall(SENT, job.traceparent),
        CancelCall(OTHER, job.traceparent),
    ]
