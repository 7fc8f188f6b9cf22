from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.catalog import ModelChanged, ModelVersion, Training
from contracts.credits import HoldCredits
from contracts.orders import KeyTerms, Operation, Recipe
from gateway.domain import asks

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TEAM = uuid4()


def model(versions: int, *, training: bool = False) -> ModelChanged:
    trained = tuple(ModelVersion(number=n, job_id=uuid4(), trained_at=NOW) for n in range(1, versions + 1))
    return ModelChanged(
        id=uuid4(),
        team_id=TEAM,
        version=3,
        name="Harbour",
        description="",
        status="ready" if versions else "training",
        versions=trained,
        active_version=versions or None,
        training=Training(job_id=uuid4(), number=versions + 1) if training else None,
        created_at=NOW,
        updated_at=NOW,
    )


def test_an_order_and_its_accepted_job_say_the_same():
    who = asks.Spending(TEAM, uuid4(), KeyTerms(id=uuid4(), budget=50), max_credits=8, quote_id=uuid4())
    job_id, request_id = uuid4(), uuid4()
    wanted = asks.order(job_id, Operation.GENERATE_IMAGES, 4, who, Recipe(prompt="at dawn"))

    errand = asks.hold(request_id, (wanted,), who, NOW)

    assert isinstance(errand.message, HoldCredits)
    assert errand.message.terms.not_after == NOW + timedelta(minutes=15)
    assert (errand.message.terms.max_credits, errand.message.terms.api_key) == (8, who.key)
    assert errand.message.terms.quote_id == who.quote_id
    [job] = errand.jobs
    assert (job.id, job.version, job.status, job.quantity) == (job_id, 0, "accepted", 4)
    assert job.recipe == wanted.recipe


def test_a_model_generates_as_soon_as_one_version_is_trained():
    asks.check_generates(model(1), None)
    asks.check_generates(model(2, training=True), 1)
    with pytest.raises(asks.ModelNotReady):
        asks.check_generates(model(0, training=True), None)
    with pytest.raises(asks.VersionNotFound):
        asks.check_generates(model(1), 2)


def test_a_model_is_refined_one_version_at_a_time():
    asks.check_refines(model(1))
    with pytest.raises(asks.ModelBusy):
        asks.check_refines(model(1, training=True))
    with pytest.raises(asks.ModelNotReady):
        asks.check_refines(model(0))


@pytest.mark.parametrize("foreign", [f"uploads/{UUID(int=1)}/{uuid4()}", f"images/{TEAM}/1"])
def test_only_the_teams_own_uploads_may_be_used(foreign: str):
    asks.check_uploads(TEAM, (f"uploads/{TEAM}/{uuid4()}",))
    with pytest.raises(asks.NotFound):
        asks.check_uploads(TEAM, (foreign,))
