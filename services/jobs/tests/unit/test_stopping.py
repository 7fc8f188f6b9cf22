"""A cancel in each state, and what a job does that has several steps."""

import pytest
from services.jobs.tests.stories import (
    NOW,
    RULES,
    SENT,
    document,
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

from contracts.credits import CaptureCredits, ReleaseCredits
from contracts.orders import Operation
from jobs.domain.calls import Failed, Succeeded
from jobs.domain.effects import CancelCall, Ignored, Nudge, Submit
from jobs.domain.state import State, TooLate


def test_cancelling_a_queued_job_gives_everything_back_at_once():
    job = queued()
    follows = job.cancel(NOW, RULES)
    assert messages(follows)[0] == ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="cancelled")
    assert document(follows).status == "cancelling"
    assert document(job.settled(settled(job), NOW, RULES)).status == "cancelled"


def test_cancelling_a_running_job_asks_the_provider_and_keeps_the_hold():
    job = running()
    follows = job.cancel(NOW, RULES)
    assert document(follows).status == "cancelling"
    assert effects(follows) == [CancelCall(SENT, job.traceparent), Nudge.POLL]
    assert job.state is State.RUNNING
    job.result(last(job), Failed("provider_error", "cancelled", retryable=True), NOW, RULES)
    assert document(job.settled(settled(job), NOW, RULES)).status == "cancelled"


def test_a_call_accepted_after_the_cancel_is_stopped_too():
    job = submitting()
    job.cancel(NOW, RULES)
    assert job.accepted(last(job), SENT, "", NOW, RULES) == [CancelCall(SENT, job.traceparent)]


def test_what_was_delivered_in_spite_of_a_cancel_is_kept_and_charged():
    job = running()
    job.cancel(NOW, RULES)
    job.result(last(job), drawn(2), NOW, RULES)
    job.stored(1, kept(2), NOW, RULES)
    said = document(job.settled(settled(job, captured=4), NOW, RULES))
    assert (said.status, said.reason) == ("completed", "delivered before it could be stopped")


def test_the_same_cancel_again_gets_the_same_answer():
    job = running()
    first, again = document(job.cancel(NOW, RULES)), document(job.cancel(NOW, RULES))
    assert (first.status, again.status) == ("cancelling", "cancelling")
    assert again.version == first.version + 1, "only what is newer reaches whoever asked again"
    assert effects(job.cancel(NOW, RULES)) == []


@pytest.mark.parametrize("make", [storing, settling])
def test_a_cancel_comes_too_late_once_results_are_kept(make):
    job = make()
    with pytest.raises(TooLate):
        job.cancel(NOW, RULES)


def test_a_creation_draws_its_reference_set_and_then_trains_on_it():
    job = running(Operation.CREATE_MODEL, quantity=1)
    job.result(last(job), drawn(6), NOW, RULES)
    follows = job.stored(1, kept(6), NOW, RULES)
    assert document(follows).progress.model_dump(include={"step", "steps", "label"}) == {
        "step": 2,
        "steps": 2,
        "label": "train",
    }
    assert effects(follows) == [Submit(job, job.attempts[1])]
    job.accepted(last(job), SENT, "", NOW, RULES)
    job.result(last(job), Succeeded(weights_url="https://fal/w"), NOW, RULES)
    follows = job.stored(2, job.results, NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=job.team_id, quantity=1)]
    said = document(job.settled(settled(job, captured=2), NOW, RULES))
    assert (said.status, said.reason, len(said.results), said.expires_at) == ("completed", "", 6, None)
    assert job.due_at is None


def test_too_few_reference_images_end_a_creation():
    job = running(Operation.CREATE_MODEL)
    job.result(last(job), drawn(6), NOW, RULES)
    follows = job.stored(1, kept(6, withheld=[1, 2, 3]), NOW, RULES)
    assert messages(follows)[0].reason == "not_enough_images"


def test_a_training_that_cannot_be_kept_is_not_charged():
    job = running(Operation.CREATE_MODEL)
    job.result(last(job), drawn(6), NOW, RULES)
    job.stored(1, kept(6), NOW, RULES)
    job.result(last(job), Succeeded(), NOW, RULES)
    assert messages(job.stored(2, job.results, NOW, RULES, "result_lost"))[0].reason == "result_lost"


def test_a_result_of_an_earlier_step_changes_nothing():
    job = running(Operation.CREATE_MODEL)
    job.result(last(job), drawn(6), NOW, RULES)
    job.stored(1, kept(6), NOW, RULES)
    assert job.result(job.attempts[0].id, drawn(6), NOW, RULES) == [Ignored("result")]
    assert job.stored(1, kept(6), NOW, RULES) == [Ignored("stored")]


def test_a_creation_cancelled_between_its_steps_does_not_train():
    job = running(Operation.CREATE_MODEL)
    job.cancel(NOW, RULES)
    follows = job.result(last(job), drawn(6), NOW, RULES)
    assert messages(follows)[0].reason == "cancelled"
