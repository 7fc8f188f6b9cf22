from datetime import timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.catalog.tests.stories import (
    CREATE,
    CREATION,
    MODEL,
    NOON,
    REFINE,
    REFINEMENT,
    SECOND,
    TEAM,
    held,
    told,
)

from catalog.domain.models import Model
from contracts.catalog import ModelChanged
from contracts.credits import CreditsHeld
from contracts.jobs import JobChanged

LATER, LATEST = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
CREATED = [
    held(CREATION),
    told(CREATION, CREATE, 1, "queued"),
    told(CREATION, CREATE, 2, "processing", percent=34),
    told(CREATION, CREATE, 3, "completed", at=NOON),
]
NOT_CREATED = [
    held(CREATION),
    told(CREATION, CREATE, 1, "queued"),
    told(CREATION, CREATE, 2, "failed", reason="The faces differ too much."),
]
REFINED = [
    held(REFINEMENT, REFINE),
    told(REFINEMENT, REFINE, 1, "processing"),
    told(REFINEMENT, REFINE, 2, "completed", at=LATER),
]
NOT_REFINED = [
    held(REFINEMENT, REFINE),
    told(REFINEMENT, REFINE, 1, "processing"),
    told(REFINEMENT, REFINE, 2, "failed", at=LATER, reason="Too few images."),
]
BUSY = [
    held(SECOND, REFINE),
    told(SECOND, REFINE, 1, "processing", code="model_busy"),
    told(SECOND, REFINE, 2, "failed", at=LATEST, code="model_busy", reason="Another training is open."),
]


def hear(model: Model, *facts: CreditsHeld | JobChanged) -> list[ModelChanged]:
    said = []
    for fact in facts:
        if isinstance(fact, JobChanged):
            document = model.job_changed(fact, "fashion", NOON)
        else:
            document = model.held(fact.holds[0].order, fact.team_id, "fashion", NOON)
        said += [document] if document else []
    return said


def face(model: Model) -> dict[str, object]:
    document = model.document()
    return document.model_dump(exclude={"version"}) if document else {}


def test_a_model_is_announced_as_soon_as_its_creation_is_paid_for():
    (document,) = hear(Model(MODEL), CREATED[0])

    assert (document.version, document.status, document.name) == (1, "pending", "Autumn line")
    assert (document.team_id, document.category, document.versions) == (TEAM, "fashion", ())
    assert document.training
    assert document.training.job_id == CREATION


def test_a_creation_goes_from_pending_over_training_to_ready():
    said = hear(Model(MODEL), *CREATED)

    assert [(d.version, d.status) for d in said] == [
        (1, "pending"),
        (2, "training"),
        (3, "training"),
        (4, "ready"),
    ]
    assert said[2].training
    assert said[2].training.progress == 30
    assert said[3].training is None
    assert said[3].active_version == 1
    assert said[3].versions[0].samples == (f"models/{CREATION}/1.jpeg",)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_creation_that_ends_badly_leaves_a_failed_model_with_the_reason(status):
    said = hear(Model(MODEL), held(CREATION), told(CREATION, CREATE, 1, status, reason="Stopped by Ada."))

    assert (said[-1].status, said[-1].reason, said[-1].training) == ("failed", "Stopped by Ada.", None)


def test_a_reason_is_given_even_when_the_job_gives_none():
    said = hear(Model(MODEL), told(CREATION, CREATE, 1, "cancelled"))

    assert said[-1].reason == "The training was cancelled."


def test_a_model_stays_ready_while_a_refinement_trains_and_then_uses_it():
    model = Model(MODEL)
    hear(model, *CREATED)
    asked, trained = hear(model, REFINED[0], REFINED[2])

    assert (asked.status, asked.active_version) == ("ready", 1)
    assert asked.training
    assert (asked.training.number, asked.training.instructions) == (2, "Warmer light")
    assert (trained.status, trained.active_version, trained.training) == ("ready", 2, None)
    assert [version.instructions for version in trained.versions] == ["", "Warmer light"]


def test_a_failed_refinement_leaves_the_model_ready_and_says_why():
    model = Model(MODEL)
    hear(model, *CREATED)
    said = hear(model, *NOT_REFINED)

    assert (said[-1].status, said[-1].reason, said[-1].active_version) == ("ready", "Too few images.", 1)
    assert said[-1].training is None


def test_a_refinement_that_ends_well_clears_the_reason_of_the_one_before():
    model = Model(MODEL)
    hear(model, *CREATED, *NOT_REFINED, held(SECOND, REFINE), told(SECOND, REFINE, 1, "completed", at=LATEST))

    assert face(model)["reason"] == ""
    assert face(model)["active_version"] == 2


def test_a_second_refinement_refused_as_busy_does_not_disturb_the_first():
    model = Model(MODEL)
    hear(model, *CREATED, *REFINED[:2])
    before = face(model)
    said = hear(model, *BUSY)

    assert said == []
    assert face(model) == before


def test_another_teams_job_changes_nothing():
    model = Model(MODEL)
    hear(model, *CREATED)
    foreign = REFINED[2].model_copy(update={"team_id": MODEL})

    assert hear(model, foreign) == []


def test_images_that_expire_take_nothing_from_a_trained_model():
    model = Model(MODEL)
    hear(model, *CREATED)

    assert hear(model, told(CREATION, CREATE, 4, "expired", at=LATEST)) == []


@pytest.mark.parametrize("facts", [CREATED, NOT_CREATED])
def test_a_creation_ends_the_same_in_every_order_of_its_facts_each_twice(facts):
    expected = Model(MODEL)
    hear(expected, *facts)
    for order in permutations(facts):
        for repeated in (order * 2, [fact for fact in order for _ in range(2)]):
            model = Model(MODEL)
            hear(model, *repeated)
            assert face(model) == face(expected)


@given(st.permutations(2 * (CREATED + REFINED + BUSY)))
def test_creation_refinement_and_a_refused_one_end_the_same_in_any_order(facts):
    model = Model(MODEL)
    said = hear(model, *facts)
    document = said[-1]

    assert [d.version for d in said] == list(range(1, len(said) + 1))
    assert (document.status, document.reason, document.training) == ("ready", "", None)
    assert [version.number for version in document.versions] == [1, 2]
    active = document.versions[(document.active_version or 0) - 1]
    assert active.job_id == REFINEMENT


@given(st.permutations(2 * (CREATED + NOT_REFINED)))
def test_what_was_said_never_takes_a_version_back(facts):
    said = hear(Model(MODEL), *facts)

    for before, after in pairwise(said):
        assert after.versions[: len(before.versions)] == before.versions
        assert before.status != "ready" or after.status == "ready"
    assert (said[-1].status, said[-1].reason) == ("ready", "Too few images.")
