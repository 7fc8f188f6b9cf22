"""Each fact in each state, from birth to the result: what follows is an assert on a list."""

from datetime import timedelta

import pytest
from services.jobs.tests.stories import (
    BROKEN,
    NOW,
    RULES,
    SENT,
    UNSAFE,
    counted,
    document,
    drawn,
    effects,
    last,
    messages,
    queued,
    running,
    settled,
    settling,
    submitting,
)

from contracts.credits import ReleaseCredits
from contracts.orders import Operation
from jobs.domain.attempt import AttemptState
from jobs.domain.birth import CANCELLED, MODEL_BUSY, born
from jobs.domain.calls import ProviderStatus, StepKind, Submitted
from jobs.domain.effects import Answered, CancelCall, Ended, Ignored, Nudge, Submit, Wasted
from jobs.domain.material import Material
from jobs.domain.state import State

LATER = NOW + timedelta(days=2)


def test_a_job_is_born_queued_and_says_so():
    from services.jobs.tests.stories import TEAM, hold

    job, follows = born(hold(), TEAM, None, NOW, RULES)
    assert (document(follows).status, document(follows).version) == ("queued", 1)
    assert effects(follows) == [Nudge.DISPATCH]
    assert job.due_at == NOW + timedelta(days=1)


def test_a_job_that_will_not_be_done_is_born_giving_its_credits_back():
    from services.jobs.tests.stories import TEAM, hold

    job, follows = born(hold(), TEAM, None, NOW, RULES, MODEL_BUSY)
    release = ReleaseCredits(job_id=job.id, team_id=TEAM, reason="model_busy")
    assert messages(follows)[0] == release
    assert (document(follows).status, document(follows).code) == ("processing", "model_busy")
    assert document(job.settled(settled(job), NOW, RULES)).status == "failed"


def test_a_job_cancelled_before_its_birth_is_born_cancelling():
    job = queued(refusal=CANCELLED)
    assert job.state is State.SETTLING
    assert document(job.settled(settled(job), NOW, RULES)).status == "cancelled"


def test_a_slot_starts_a_call_that_is_written_down_first():
    job = queued()
    follows = job.dispatched(Material(), NOW, RULES)
    assert document(follows).status == "processing"
    assert effects(follows) == [Submit(job, job.attempts[0])]
    assert (job.attempts[0].state, job.attempts[0].n) == (AttemptState.STARTED, 1)
    assert job.due_at == NOW + timedelta(seconds=150)


def test_a_model_not_yet_known_is_waited_for_and_then_given_up():
    job = queued()
    assert job.misses_material(NOW, RULES) == []
    assert job.not_before == NOW + timedelta(seconds=1)
    follows = job.misses_material(NOW + timedelta(seconds=30), RULES)
    assert messages(follows) == [ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="model_not_found")]


def test_the_version_that_was_active_is_noted_in_the_recipe():
    job = queued()
    job.dispatched(Material(version=3), NOW, RULES)
    assert (job.recipe.version, job.material) == (3, Material(version=3))


def test_an_accepted_call_runs_and_is_looked_after():
    job = submitting()
    assert job.accepted(last(job), SENT, "fal-ai/flux/dev", NOW, RULES) == []
    assert job.state is State.RUNNING
    assert job.poll_at == NOW + timedelta(seconds=10)
    assert job.due_at == NOW + timedelta(minutes=15)
    assert (job.attempts[0].submitted, job.attempts[0].endpoint) == (SENT, "fal-ai/flux/dev")


def test_a_call_surely_not_accepted_waits_again_and_costs_no_attempt():
    job = submitting()
    follows = job.not_accepted(last(job), NOW, RULES)
    assert (document(follows).status, document(follows).code) == ("queued", "provider_unavailable")
    assert not job.attempts[0].counts
    assert job.not_before == NOW + timedelta(seconds=5)
    assert job.due_at == NOW + timedelta(days=1)


def test_a_lost_answer_is_followed_by_another_call_only_after_its_grace():
    job = submitting()
    assert job.in_doubt(last(job)) == []
    assert job.deadline(NOW + timedelta(seconds=149), RULES) == []
    follows = job.deadline(NOW + timedelta(seconds=150), RULES)
    assert effects(follows) == [Submit(job, job.attempts[1])]
    assert [attempt.state for attempt in job.attempts] == [AttemptState.IN_DOUBT, AttemptState.STARTED]


@pytest.mark.parametrize(
    ("operation", "upload_keys", "calls"),
    [(Operation.GENERATE_IMAGES, (), 3), (Operation.REFINE_MODEL, ("uploads",) * 4, 2)],
)
def test_a_step_costs_few_calls_of_unknown_fate(operation, upload_keys, calls):
    keys = tuple(f"uploads/00000000-0000-0000-0000-000000000007/{n}" for n, _ in enumerate(upload_keys))
    from uuid import uuid4

    job = submitting(operation, upload_keys=keys, model_id=uuid4())
    now = NOW
    while job.state is State.SUBMITTING:
        now += timedelta(hours=1)
        follows = job.deadline(now, RULES)
    assert len(job.attempts) == calls
    assert messages(follows) == [
        ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="provider_unresponsive")
    ]


def test_a_callback_adopts_the_request_whose_answer_was_lost():
    job = submitting()
    job.in_doubt(last(job))
    follows = job.result(last(job), drawn(2), NOW, RULES, SENT)
    assert effects(follows) == [Nudge.STORE, Nudge.DISPATCH]
    assert (job.state, job.attempts[0].submitted) == (State.STORING, SENT)


def test_the_first_result_wins_and_the_other_call_is_stopped_and_counted_as_waste():
    job = submitting()
    job.in_doubt(last(job))
    job.deadline(NOW + timedelta(hours=1), RULES)
    first, second = job.attempts
    other = Submitted("r-2", "u", "s", "c")
    job.accepted(second.id, other, "fal-ai/flux/dev", NOW, RULES)
    follows = job.result(first.id, drawn(2), NOW, RULES)
    assert effects(follows)[0] == CancelCall(other, job.traceparent)
    assert job.result(second.id, drawn(2), NOW, RULES) == [Wasted(second.id)]
    assert job.result(second.id, drawn(2), NOW, RULES) == [Ignored("result")]


def test_a_call_accepted_after_its_job_went_on_is_stopped():
    job = submitting()
    job.deadline(NOW + timedelta(hours=1), RULES)
    first, second = job.attempts
    job.result(second.id, drawn(2), NOW, RULES)
    assert job.accepted(first.id, SENT, "", NOW, RULES) == [CancelCall(SENT, job.traceparent)]


def test_a_late_failure_of_a_call_in_doubt_does_not_end_its_successor():
    job = submitting()
    job.deadline(NOW + timedelta(hours=1), RULES)
    assert job.result(job.attempts[0].id, UNSAFE, NOW, RULES) == [
        Answered(StepKind.GENERATE, "content_policy")
    ]
    assert job.state is State.SUBMITTING


def test_a_refused_input_gives_everything_back_with_its_reason():
    job = submitting()
    follows = job.result(last(job), UNSAFE, NOW, RULES)
    assert messages(follows) == [ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="content_policy")]
    said = document(job.settled(settled(job), NOW, RULES))
    assert (said.status, said.code, said.reason) == ("failed", "content_policy", "unsafe prompt")
    assert said.receipt is not None
    assert (said.receipt.captured, said.receipt.released, said.receipt.units) == (0, 4, 0)


def test_a_retryable_failure_is_tried_once_more():
    job = running()
    assert effects(job.result(last(job), BROKEN, NOW, RULES)) == [Submit(job, job.attempts[1])]
    job.accepted(last(job), SENT, "", NOW, RULES)
    assert isinstance(messages(job.result(last(job), BROKEN, NOW, RULES))[0], ReleaseCredits)


def test_what_is_done_but_not_yet_told_is_asked_for_at_once():
    job = running()
    soon = NOW + timedelta(seconds=1)
    assert job.completed_unseen(soon) == [Nudge.POLL]
    assert job.poll_at == soon


def test_progress_is_told_at_most_once_a_second():
    job = running()
    half = ProviderStatus("running", percent=50)
    assert job.polled(last(job), half, NOW, RULES) == []
    follows = job.polled(last(job), half, NOW + timedelta(seconds=1), RULES)
    assert document(follows).progress.percent == 50
    assert job.polled(last(job), half, NOW + timedelta(seconds=9), RULES) == []


def test_polls_back_off_to_their_longest_wait():
    job = running()
    for _ in range(5):
        job.polled(last(job), ProviderStatus("running"), NOW, RULES)
    assert job.poll_at == NOW + timedelta(seconds=30)


def test_a_job_that_runs_too_long_is_stopped_and_given_back_a_minute_later():
    job = running()
    end = NOW + timedelta(minutes=15)
    assert job.deadline(end, RULES) == [CancelCall(SENT, job.traceparent)]
    assert job.due_at == end + timedelta(seconds=60)
    follows = job.deadline(end + timedelta(seconds=60), RULES)
    assert messages(follows) == [
        ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="provider_timeout")
    ]


def test_a_result_that_comes_within_the_last_minute_is_delivered():
    job = running()
    job.deadline(NOW + timedelta(minutes=15), RULES)
    job.result(last(job), drawn(2), NOW + timedelta(minutes=15, seconds=30), RULES)
    assert job.state is State.STORING


def test_a_queued_job_is_not_kept_for_ever():
    job = queued()
    assert messages(job.deadline(LATER, RULES))[0].reason == "queue_timeout"


def test_a_call_in_doubt_may_answer_while_its_job_waits_again():
    job = submitting()
    job.deadline(NOW + timedelta(hours=1), RULES)
    job.not_accepted(last(job), NOW, RULES)
    said = document(job.result(job.attempts[0].id, drawn(2), NOW, RULES))
    assert (said.status, said.code, said.reason) == ("processing", None, "")
    assert job.state is State.STORING


def test_a_failure_does_not_end_a_job_whose_earlier_call_was_taken_after_all():
    job = submitting()
    job.deadline(NOW + timedelta(hours=1), RULES)
    first, second = job.attempts
    job.accepted(first.id, SENT, "", NOW, RULES)
    assert effects(job.result(second.id, UNSAFE, NOW, RULES)) == []
    assert job.state is State.RUNNING
    job.result(first.id, drawn(2), NOW, RULES)
    assert job.state is State.STORING


def test_a_provider_that_takes_nothing_for_a_day_fills_no_timeline():
    job = queued()
    for minute in range(1440):
        now = NOW + timedelta(minutes=minute)
        job.dispatched(Material(), now, RULES)
        job.not_accepted(last(job), now, RULES)
    assert [(m.event, m.detail, m.at) for m in job.timeline] == [
        ("queued", "", NOW),
        ("queued", "provider_unavailable", NOW),
    ]


def test_each_answer_of_the_provider_is_counted_once():
    job = submitting()
    assert counted(job.not_accepted(last(job), NOW, RULES)) == [
        Answered(StepKind.GENERATE, "provider_unavailable")
    ]
    job = running()
    assert counted(job.result(last(job), BROKEN, NOW, RULES)) == [
        Answered(StepKind.GENERATE, "provider_error")
    ]
    assert counted(job.result(last(job), drawn(2), NOW, RULES)) == [Answered(StepKind.GENERATE, "succeeded")]
    assert counted(job.result(last(job), drawn(2), NOW, RULES)) == []


def test_no_answer_in_time_is_counted_as_one():
    job = submitting()
    follows = job.deadline(NOW + timedelta(seconds=150), RULES)
    assert counted(follows) == [Answered(StepKind.GENERATE, "provider_unresponsive")]


def test_how_long_a_job_took_is_counted_when_it_ends_and_not_again():
    job = settling()
    ended = NOW + timedelta(seconds=7)
    follows = job.settled(settled(job, captured=4), ended, RULES)
    assert counted(follows) == [Ended(Operation.GENERATE_IMAGES, State.COMPLETED, ended - job.created_at)]
    assert counted(job.settled(settled(job, captured=4), ended, RULES)) == []
