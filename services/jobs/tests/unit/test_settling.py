"""From the result to the receipt: what is kept is captured, what is not is given back."""

from datetime import timedelta

from services.jobs.tests.stories import (
    NOW,
    RULES,
    document,
    kept,
    messages,
    queued,
    settled,
    settling,
    storing,
)

from contracts.credits import CaptureCredits, Forgotten, ReleaseCredits
from jobs.domain.birth import MODEL_BUSY
from jobs.domain.effects import Ignored, Unsettled


def test_what_is_stored_is_captured_image_by_image():
    job = storing(quantity=2)
    follows = job.stored(1, kept(2), NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=job.team_id, quantity=2)]
    said = document(job.settled(settled(job, captured=4), NOW, RULES))
    assert (said.status, len(said.results), said.expires_at) == ("completed", 2, NOW + timedelta(days=90))
    assert (said.receipt.captured, said.receipt.units, said.receipt.unit_price) == (4, 2, 2)


def test_a_withheld_image_is_not_charged():
    job = storing()
    follows = job.stored(1, kept(2, withheld=[2]), NOW, RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=job.team_id, quantity=1)]
    said = document(job.settled(settled(job, captured=2), NOW, RULES))
    assert (said.status, said.receipt.released) == ("completed", 2)
    expected = "1 of 2 images delivered (1 kept back by the safety checker); the rest is not charged"
    assert said.reason == expected


def test_no_image_at_all_fails_and_gives_everything_back():
    job = storing()
    follows = job.stored(1, kept(2, withheld=[1, 2]), NOW, RULES)
    assert messages(follows) == [ReleaseCredits(job_id=job.id, team_id=job.team_id, reason="content_policy")]


def test_storing_given_up_charges_what_was_kept_until_then():
    job = storing()
    job.kept(1, kept(1))
    follows = job.deadline(NOW + timedelta(hours=1), RULES)
    assert messages(follows) == [CaptureCredits(job_id=job.id, team_id=job.team_id, quantity=1)]


def test_credits_is_asked_again_every_minute_and_somebody_told_in_the_end():
    job = settling()
    held = Forgotten(
        operation=job.operation, quantity=job.quantity, unit_price=2, price_version=job.price.version or 0
    )
    ask = CaptureCredits(job_id=job.id, team_id=job.team_id, quantity=2, held=held)
    now = NOW
    for _ in range(15):
        now += timedelta(minutes=1)
        assert job.deadline(now, RULES) == [ask]
    assert job.deadline(now + timedelta(minutes=1), RULES) == [ask, Unsettled(job.id)]


def test_a_hold_that_expired_while_its_job_waited_ends_it():
    job = queued()
    follows = job.settled(settled(job, outcome="expired"), NOW, RULES)
    assert messages(follows)[0].reason == "hold_expired"


def test_images_expire_and_the_recipe_stays():
    job = settling(prompt="a red coat")
    job.settled(settled(job, captured=4), NOW, RULES)
    assert job.expired(NOW + timedelta(days=89), RULES) == [Ignored("expired")]
    said = document(job.expired(NOW + timedelta(days=90), RULES))
    assert (said.status, said.recipe.prompt) == ("expired", "a red coat")
    assert [(result.key, result.deleted) for result in said.results] == [(None, True), (None, True)]
    assert job.unwanted == ["images/1.jpg", "images/2.jpg"]
    assert said.receipt is not None


def test_what_expired_before_the_capture_came_is_not_how_it_ends():
    job = settling()
    assert job.settled(settled(job, outcome="expired"), NOW, RULES) == [Ignored("settled")]
    said = document(job.settled(settled(job, captured=4, outcome="late_captured"), NOW, RULES))
    assert (said.status, said.receipt.captured, said.receipt.units) == ("completed", 4, 2)


def test_what_expired_before_the_release_came_is_how_it_ends():
    job = queued(refusal=MODEL_BUSY)
    said = document(job.settled(settled(job, outcome="expired"), NOW, RULES))
    assert (said.status, said.receipt.released) == ("failed", 4)
