from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from services.catalog.tests.stories import (
    CREATE,
    CREATION,
    MODEL,
    NOON,
    REFINE,
    REFINEMENT,
    TEAM,
    held,
    told,
)

from catalog.domain.changing import Refusal, change
from catalog.domain.models import Model
from contracts.catalog import ActivateVersion, DeleteModel, UpdateModel

LATER = NOON + timedelta(hours=1)


def asked(kind, team=TEAM, **what):
    return kind(request_id=uuid4(), team_id=team, model_id=MODEL, **what)


def model(*, refined=False, training=False):
    known = Model(MODEL)
    known.held(held(CREATION).holds[0].order, TEAM, "fashion", NOON)
    known.job_changed(told(CREATION, CREATE, 2, "completed", at=NOON), "fashion", NOON)
    if refined:
        known.job_changed(told(REFINEMENT, REFINE, 2, "completed", at=LATER), "fashion", LATER)
    if training:
        known.job_changed(told(REFINEMENT, REFINE, 1, "processing"), "fashion", NOON)
    return known


def refused(known, command):
    with pytest.raises(Refusal) as refusal:
        change(known, command, LATER)
    return refusal.value.code


def test_a_model_gets_the_name_its_team_gives_and_keeps_its_description():
    document = change(model(), asked(UpdateModel, name="Winter line"), LATER)

    assert (document.name, document.description, document.updated_at) == ("Winter line", "Our coats", LATER)
    assert document.version == 3


def test_a_description_can_be_emptied():
    assert change(model(), asked(UpdateModel, description=""), LATER).description == ""


def test_an_earlier_version_can_be_made_the_active_one_again():
    known = model(refined=True)

    assert change(known, asked(ActivateVersion, version=1), LATER).active_version == 1
    assert [version.number for version in known.document().versions] == [1, 2]


def test_a_version_that_does_not_exist_cannot_be_activated():
    assert refused(model(), asked(ActivateVersion, version=2)) == "version_not_found"


def test_a_version_rolled_back_to_stays_active_whatever_is_told_of_older_trainings():
    known = model(refined=True)
    change(known, asked(ActivateVersion, version=1), LATER)
    known.job_changed(told(REFINEMENT, REFINE, 2, "completed", at=LATER), "fashion", LATER)

    assert known.document().active_version == 1


@pytest.mark.parametrize(
    "command",
    [
        asked(UpdateModel, name="Autumn line"),
        asked(ActivateVersion, version=1),
    ],
)
def test_what_changes_nothing_is_answered_with_the_model_as_it_is(command):
    known = model()
    before = known.document()

    assert change(known, command, LATER) == before


def test_a_deleted_model_shows_nothing_of_what_it_was_trained_to():
    document = change(model(refined=True), asked(DeleteModel), LATER)

    assert (document.status, document.versions, document.active_version) == ("deleted", (), None)


def test_deleting_twice_is_answered_twice_and_changes_once():
    known = model()

    assert change(known, asked(DeleteModel), LATER) == change(known, asked(DeleteModel), LATER)


def test_a_model_is_not_deleted_while_a_version_trains():
    assert refused(model(training=True), asked(DeleteModel)) == "model_busy"


def test_a_model_is_deleted_with_its_training_when_that_is_asked():
    known = model(training=True)
    document = change(known, asked(DeleteModel, cancel_jobs=True), LATER)

    assert (document.status, document.training) == ("deleted", None)


def test_a_training_that_ends_after_all_does_not_bring_its_model_back():
    known = model(training=True)
    change(known, asked(DeleteModel, cancel_jobs=True), LATER)

    assert known.job_changed(told(REFINEMENT, REFINE, 2, "completed", at=LATER), "fashion", LATER) is None
    assert known.document().status == "deleted"


@pytest.mark.parametrize("command", [asked(UpdateModel, name="New"), asked(ActivateVersion, version=1)])
def test_a_deleted_model_cannot_be_changed(command):
    known = model()
    change(known, asked(DeleteModel), LATER)

    assert refused(known, command) == "not_found"


@pytest.mark.parametrize("kind", [UpdateModel, DeleteModel])
def test_another_teams_model_is_not_found(kind):
    assert refused(model(), asked(kind, team=UUID(int=99))) == "not_found"


def test_a_model_nobody_has_heard_of_is_not_found():
    assert refused(Model(MODEL), asked(DeleteModel)) == "not_found"
