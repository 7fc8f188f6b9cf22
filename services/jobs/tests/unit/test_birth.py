"""How a job begins, and which orders are refused for what they say."""

from datetime import timedelta
from uuid import UUID

import pytest
from services.jobs.tests.stories import NOW, RULES, TEAM, hold

from contracts.orders import Operation, Recipe
from jobs.domain.birth import CANCELLED, MODEL_BUSY, born, objection, steps
from jobs.domain.calls import Step, StepKind
from jobs.domain.job import Job
from jobs.domain.record import Price, Refusal
from jobs.domain.state import State

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
USER, MODEL, OTHER = UUID(int=3), UUID(int=4), UUID(int=9)
FOREIGN = Refusal("invalid_uploads", "an image does not belong to the team")
NUMBER = Refusal("invalid_uploads", "a training takes 4 to 40 images")
SEED = Refusal("invalid_input", "a seed is a whole number of at most 20 digits")
NO_MODEL = Refusal("model_not_found", "a refinement needs a model")


def test_a_job_is_what_was_ordered_and_paid_for():
    wanted = hold(quantity=6, prompt="a red coat")
    order = wanted.order.model_copy(update={"user_id": USER, "priority": 5})
    job, _ = born(wanted.model_copy(update={"order": order}), TEAM, TRACE, NOW, RULES)
    assert job == Job(
        id=wanted.job_id,
        team_id=TEAM,
        user_id=USER,
        operation=Operation.GENERATE_IMAGES,
        quantity=6,
        priority=5,
        recipe=Recipe(prompt="a red coat"),
        price=Price(12, 2, NOW + timedelta(days=3), 1),
        steps=(Step(StepKind.GENERATE, 1, 4), Step(StepKind.GENERATE, 5, 2)),
        created_at=NOW,
        updated_at=NOW,
        traceparent=TRACE,
        state=State.QUEUED,
        version=1,
        timeline=job.timeline,
        due_at=NOW + timedelta(days=1),
    )
    assert (job.step, job.results, job.attempts, job.receipt) == (1, (), [], None)


def test_a_job_waits_no_longer_than_its_credits_are_held():
    wanted = hold().model_copy(update={"expires_at": NOW + timedelta(hours=2)})
    job, _ = born(wanted, TEAM, TRACE, NOW, RULES)
    assert job.due_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize(("refusal", "cancelling"), [(CANCELLED, True), (MODEL_BUSY, False)])
def test_only_a_cancel_makes_a_job_born_cancelling(refusal, cancelling):
    job, _ = born(hold(), TEAM, TRACE, NOW, RULES, refusal)
    assert (job.state, job.cancelling) == (State.SETTLING, cancelling)


def uploads(count: int, team: UUID = TEAM) -> tuple[str, ...]:
    return tuple(f"uploads/{team}/{n}.jpg" for n in range(count))


CREATE, REFINE, GENERATE = Operation.CREATE_MODEL, Operation.REFINE_MODEL, Operation.GENERATE_IMAGES


@pytest.mark.parametrize(
    ("operation", "recipe", "refusal"),
    [
        (GENERATE, {}, None),
        (GENERATE, {"reference_key": f"uploads/{TEAM}/pose.png"}, None),
        (GENERATE, {"reference_key": f"images/{TEAM}/{MODEL}/1.jpg"}, None),
        (GENERATE, {"reference_key": f"uploads/{OTHER}/pose.png"}, FOREIGN),
        (CREATE, {"upload_keys": (*uploads(4), *uploads(1, OTHER))}, FOREIGN),
        (CREATE, {"upload_keys": uploads(3)}, NUMBER),
        (CREATE, {"upload_keys": uploads(4)}, None),
        (CREATE, {"upload_keys": uploads(40)}, None),
        (CREATE, {"upload_keys": uploads(41)}, NUMBER),
        (GENERATE, {"seed": "0"}, None),
        (GENERATE, {"seed": "9" * 20}, None),
        (GENERATE, {"seed": "9" * 21}, SEED),
        (GENERATE, {"seed": "7 "}, SEED),
        (GENERATE, {"seed": ""}, SEED),
        (REFINE, {"model_id": MODEL}, None),
        (REFINE, {}, NO_MODEL),
        (CREATE, {}, None),
    ],
    ids=str,
)
def test_an_order_is_refused_for_what_is_wrong_with_it_in_itself(operation, recipe, refusal):
    wanted = hold(operation, quantity=1, **recipe)
    assert objection(wanted.order, TEAM, RULES) == refusal


def test_a_refused_order_is_born_giving_its_credits_back_with_the_reason():
    job, _ = born(hold(REFINE, quantity=1), TEAM, TRACE, NOW, RULES)
    assert (job.state, job.code, job.reason) == (State.SETTLING, NO_MODEL.code, NO_MODEL.reason)
    job, _ = born(hold(REFINE, quantity=1), TEAM, TRACE, NOW, RULES, MODEL_BUSY)
    assert job.code == "model_busy"


def test_a_refinement_draws_what_it_learns_from_unless_it_is_given():
    drawn = (Step(StepKind.REFERENCE_SET, 1, 4), Step(StepKind.TRAIN))
    assert steps(hold(REFINE, quantity=1, model_id=MODEL).order, RULES) == drawn
    given = hold(REFINE, quantity=1, model_id=MODEL, upload_keys=uploads(4)).order
    assert steps(given, RULES) == (Step(StepKind.TRAIN),)
