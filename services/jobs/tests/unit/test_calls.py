"""Orders that take more than one call: the provider draws four images at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from services.jobs.tests.fakes import House
from services.jobs.tests.steps import callback, dispatch, files, open_job, store
from services.jobs.tests.stories import (
    NOW,
    RULES,
    TEAM,
    document,
    drawn,
    hold,
    kept,
    messages,
    queued,
    running,
    settled,
)

from contracts.credits import CaptureCredits
from contracts.jobs import Result
from contracts.orders import Operation
from jobs.domain.birth import born, steps
from jobs.domain.brief import provider_call
from jobs.domain.calls import Failed, Step, StepKind
from jobs.domain.state import State

GENERATE, DRAW, TRAIN = StepKind.GENERATE, StepKind.REFERENCE_SET, StepKind.TRAIN


def link(key: str, seconds: int) -> str:
    return f"https://signed/{key}?for={seconds}"


def results(*numbers: int) -> tuple[Result, ...]:
    return tuple(Result(n=n, key=f"images/{n}.jpg") for n in numbers)


@pytest.mark.parametrize(
    ("quantity", "calls"),
    [
        (1, (Step(GENERATE, 1, 1),)),
        (4, (Step(GENERATE, 1, 4),)),
        (5, (Step(GENERATE, 1, 4), Step(GENERATE, 5, 1))),
        (16, (Step(GENERATE, 1, 4), Step(GENERATE, 5, 4), Step(GENERATE, 9, 4), Step(GENERATE, 13, 4))),
    ],
)
def test_images_are_shared_out_over_calls(quantity: int, calls: tuple[Step, ...]):
    assert steps(hold(quantity=quantity).order, RULES) == calls


def test_a_training_draws_what_it_learns_from_in_as_many_calls_as_it_takes():
    order = hold(Operation.CREATE_MODEL, quantity=1).order
    twelve = replace(RULES, reference_images=12)
    assert steps(order, twelve) == (Step(DRAW, 1, 4), Step(DRAW, 5, 4), Step(DRAW, 9, 4), Step(TRAIN))
    uploads = hold(Operation.CREATE_MODEL, quantity=1, upload_keys=("a",) * 4).order
    assert steps(uploads, twelve) == (Step(TRAIN),)


def test_each_call_goes_on_counting_seeds_where_the_one_before_ended():
    job = queued(quantity=6, seed="18446744073709551615")
    first = provider_call(job, link, NOW, RULES)
    job.step = 2
    second = provider_call(job, link, NOW, RULES)
    assert (first.quantity, first.seed) == (4, "18446744073709551615")
    assert (second.quantity, second.seed) == (2, "18446744073709551619")


def first_call_stored(quantity: int = 6):
    job = running(quantity=quantity)
    job.result(job.attempts[-1].id, drawn(4), NOW, RULES)
    job.stored(1, results(1, 2, 3, 4), NOW, RULES)
    return job


def test_the_whole_order_is_charged_once_at_its_end():
    job = first_call_stored()
    assert (job.state, job.step, len(job.attempts)) == (State.SUBMITTING, 2, 2)
    job.result(job.attempts[-1].id, drawn(2), NOW, RULES)
    follows = job.stored(2, results(1, 2, 3, 4, 5, 6), NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=TEAM, quantity=6)]
    assert document(job.settled(settled(job, captured=12), NOW, RULES)).reason == ""


@pytest.mark.parametrize("failure", [Failed("content_policy", "no"), Failed("invalid_input", "no")])
def test_a_call_that_fails_leaves_what_was_delivered_before_kept_and_charged(failure: Failed):
    job = first_call_stored()
    follows = job.result(job.attempts[-1].id, failure, NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=TEAM, quantity=4)]
    said = document(job.settled(settled(job, captured=8), NOW, RULES))
    assert (said.status, said.code) == ("completed", None)
    assert said.reason == "4 of 6 images delivered (2 not made); the rest is not charged"


def test_a_cancel_between_the_calls_keeps_and_charges_what_was_delivered():
    job = first_call_stored(quantity=12)
    job.cancel(NOW, RULES)
    follows = job.result(job.attempts[-1].id, Failed("provider_cancelled", "stopped"), NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=TEAM, quantity=4)]


def test_a_cancel_while_an_early_call_is_stored_stops_the_others():
    job = running(quantity=12)
    job.result(job.attempts[-1].id, drawn(4), NOW, RULES)
    job.cancel(NOW, RULES)
    follows = job.stored(1, results(1, 2, 3, 4), NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=TEAM, quantity=4)]
    assert len(job.attempts) == 1


def test_a_provider_that_goes_silent_later_does_not_take_back_what_was_delivered():
    job = first_call_stored()
    for day in range(RULES.images.attempts):
        follows = job.deadline(NOW + timedelta(days=1 + day), RULES)
    assert messages(follows)[0] == CaptureCredits(job_id=job.id, team_id=TEAM, quantity=4)


def test_one_order_of_one_call_is_as_it_was():
    job, _ = born(hold(quantity=2), TEAM, None, NOW, RULES)
    assert (job.steps, kept(2)[1].n) == ((Step(GENERATE, 1, 2),), 2)


async def test_results_are_numbered_through_all_calls():
    house = House()
    house.provider.outcome = drawn(4)
    files(house, 4)
    job = await open_job(house, quantity=6)
    await dispatch(house)
    for request in ("r1", "r2"):
        await callback(house, job, request=request)
        await store(house)
    assert [result.n for result in house.job(job).results] == [1, 2, 3, 4, 5, 6]
    assert sorted(key for key in house.storage.objects if key.startswith("images")) == [
        f"images/{TEAM}/{job}/{n}.jpg" for n in range(1, 7)
    ]
    assert house.said(CaptureCredits) == [CaptureCredits(job_id=job, team_id=TEAM, quantity=6)]
