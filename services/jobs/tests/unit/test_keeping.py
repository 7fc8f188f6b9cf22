"""What becomes of images once they are delivered."""

from datetime import timedelta
from uuid import uuid4

import pytest
from services.jobs.tests.stories import NOW, RULES, TEAM, document, messages, settled, settling

from contracts.jobs import ImagesExpiring
from contracts.orders import Operation
from jobs.domain.effects import Ignored, Nudge
from jobs.domain.job import Job
from jobs.domain.keeping import ImagesGone, ImagesNotThere, Move
from jobs.domain.state import State

EXPIRY = NOW + timedelta(days=90)
LATER = NOW + timedelta(days=10)


def delivered(**recipe) -> Job:
    job = settling(**recipe)
    job.settled(settled(job, captured=4), NOW, RULES)
    return job


def move(job: Job, *numbers: int, pinned: bool = True) -> Move:
    return Move(uuid4(), TEAM, job.id, numbers, pinned)


def arrive(job: Job, *numbers: int, pinned: bool = True, at=NOW) -> Move:
    """Carry a move out as the worker does."""
    made = move(job, *job.to_move(numbers, pinned=pinned), pinned=pinned)
    copies = {result.n: made.target(result) for result in job.results if result.n in made.numbers}
    job.moved(made, copies, at, RULES)
    return made


def shown(job: Job) -> list[tuple]:
    return [(r.key is not None, r.deleted, r.pinned, r.expires_at) for r in job.results]


def test_each_image_tells_until_when_it_is_kept():
    assert shown(delivered()) == [(True, False, False, EXPIRY)] * 2


def test_a_deleted_image_has_no_keys_and_its_objects_are_unwanted():
    job = delivered()
    follows = job.delete_images([2], LATER, RULES)
    assert shown(job) == [(True, False, False, EXPIRY), (False, True, False, EXPIRY)]
    assert (job.unwanted, follows[-1]) == (["images/2.jpg"], Nudge.DISCARD)
    assert document(follows).timeline[-1].event == "images_deleted"


def test_what_is_deleted_twice_is_answered_with_what_is():
    job = delivered()
    job.delete_images([2], LATER, RULES)
    version = job.version
    assert document(job.delete_images([2], LATER, RULES)).version == version
    assert job.unwanted == ["images/2.jpg"]


def test_a_job_whose_images_are_all_deleted_expires_at_its_time():
    job = delivered()
    job.delete_images([1, 2], LATER, RULES)
    assert (job.state, job.expires_at, job.warn_at) == (State.COMPLETED, EXPIRY, None)
    assert document(job.expired(EXPIRY, RULES)).status == "expired"


@pytest.mark.parametrize("job", [settling(), delivered(operation=Operation.CREATE_MODEL)])
def test_only_delivered_images_can_be_deleted_or_pinned(job):
    with pytest.raises(ImagesNotThere):
        job.delete_images([1], NOW, RULES)
    with pytest.raises(ImagesNotThere):
        job.to_move([1], pinned=True)


def test_an_image_the_job_never_made_is_not_there():
    with pytest.raises(ImagesNotThere):
        delivered().delete_images([1, 3], NOW, RULES)


def test_a_pinned_image_outlives_its_time_and_the_others():
    job = delivered()
    arrive(job, 1)
    assert shown(job) == [(True, False, True, None), (True, False, False, EXPIRY)]
    assert str(job.results[0].key).startswith(f"pinned/images/{TEAM}/{job.id}/1-")
    assert job.unwanted == ["images/1.jpg"]
    said = document(job.expired(EXPIRY, RULES))
    assert (said.status, said.expires_at) == ("completed", None)
    assert shown(job) == [(True, False, True, None), (False, True, False, EXPIRY)]
    assert job.expired(EXPIRY + timedelta(days=900), RULES) == [Ignored("expired")]


def test_an_image_let_go_is_kept_as_long_as_a_new_one():
    job = delivered()
    arrive(job, 1, 2)
    assert (job.expires_at, job.warn_at) == (None, None)
    arrive(job, 1, pinned=False, at=LATER)
    until = LATER + timedelta(days=90)
    assert shown(job) == [(True, False, False, until), (True, False, True, None)]
    assert (job.expires_at, job.warn_at) == (until, until - timedelta(days=7))
    assert str(job.results[0].key).startswith(f"images/{TEAM}/{job.id}/1-")


def test_images_of_one_job_may_expire_at_different_times():
    job = delivered()
    arrive(job, 1)
    arrive(job, 1, pinned=False, at=LATER)
    assert job.expires_at == EXPIRY
    assert document(job.expired(EXPIRY, RULES)).expires_at == LATER + timedelta(days=90)
    assert document(job.expired(LATER + timedelta(days=90), RULES)).status == "expired"


def test_an_image_is_never_copied_to_a_name_that_is_about_to_be_deleted():
    job = delivered()
    made = [arrive(job, 1, pinned=pinned) for pinned in (True, False, True)]
    assert len({made_.request_id for made_ in made}) == 3
    assert len({*job.unwanted, str(job.results[0].key)}) == 4


def test_what_was_deleted_while_it_was_copied_stays_deleted_and_leaves_nothing_behind():
    job = delivered()
    made = move(job, 1)
    target = made.target(job.results[0])
    job.delete_images([1], NOW, RULES)
    follows = job.moved(made, {1: target}, NOW, RULES)
    assert document(follows).results[0].deleted
    assert target[0] in job.unwanted


def test_two_requests_to_pin_leave_one_copy():
    job = delivered()
    first, second = move(job, 1), move(job, 1)
    targets = [each.target(job.results[0]) for each in (first, second)]
    job.moved(first, {1: targets[0]}, NOW, RULES)
    version = job.version
    assert document(job.moved(second, {1: targets[1]}, NOW, RULES)).version == version
    assert (job.results[0].key, job.unwanted) == (targets[0][0], ["images/1.jpg", targets[1][0]])


def test_an_image_whose_object_is_gone_is_not_shown_any_more():
    job = delivered()
    job.moved(move(job, 1), {1: None}, NOW, RULES)
    assert shown(job)[0] == (False, True, False, EXPIRY)
    with pytest.raises(ImagesGone):
        job.to_move([1], pinned=True)


def test_a_pin_asked_again_moves_nothing():
    job = delivered()
    arrive(job, 1)
    assert job.to_move([1], pinned=True) == []


def test_a_team_is_told_of_what_expires_next_and_only_once():
    job = delivered()
    arrive(job, 2)
    assert job.soon_gone(NOW + timedelta(days=82)) == [Ignored("soon_gone")]
    (said,) = messages(job.soon_gone(NOW + timedelta(days=83)))
    assert said == ImagesExpiring(team_id=TEAM, job_id=job.id, n=(1,), expires_at=EXPIRY)
    assert job.soon_gone(NOW + timedelta(days=84)) == [Ignored("soon_gone")]


def test_nobody_is_warned_of_what_has_expired_already():
    assert delivered().soon_gone(EXPIRY) == []


def test_no_image_is_promised_for_longer_than_the_bucket_keeps_it():
    """The bucket's rule counts from when objects were written, however long credits took to settle."""
    job = settling()
    job.settled(settled(job, captured=4), LATER, RULES)
    assert job.expires_at == EXPIRY


def test_a_timeline_does_not_grow_for_ever():
    job = delivered()
    for turn in range(150):
        arrive(job, 1, pinned=turn % 2 == 0)
    assert len(job.timeline) == 100
