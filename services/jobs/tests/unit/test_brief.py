"""What the provider is asked for an order, word by word and link by link."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from services.jobs.tests.stories import NOW, RULES, TEAM, queued, weights

from contracts.orders import Operation, Size
from jobs.domain.brief import archive_key, caption, provider_call, weights_key
from jobs.domain.calls import ProviderCall, StepKind
from jobs.domain.job import Job
from jobs.domain.material import Material, belongs, extension, image_keys, sample_keys

MODEL = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FOLDER = f"models/{TEAM}/{MODEL}"
DAY_OLD = NOW - timedelta(days=1)


def link(key: str, seconds: int) -> str:
    return f"https://signed/{key}?for={seconds}"


def asked(job: Job, rules=RULES) -> ProviderCall:
    return provider_call(job, link, NOW, rules)


def refinement(**recipe) -> Job:
    named = {"name": "Ada", "description": "a tall woman", "instructions": "with short hair"}
    return queued(Operation.REFINE_MODEL, quantity=1, model_id=MODEL, **named, **recipe)


def test_images_are_drawn_as_the_recipe_says():
    pose = f"uploads/{TEAM}/pose.png"
    job = queued(
        quantity=3,
        prompt="a red coat",
        negative_prompt="text",
        seed="7",
        size=Size(width=1024, height=768),
        quality="high",
        format="png",
        reference_key=pose,
    )
    job.material = Material("a studio photograph of {prompt}", "blur")
    assert asked(job) == ProviderCall(
        kind=StepKind.GENERATE,
        start_timeout=120,
        quantity=3,
        prompt="a studio photograph of a red coat",
        negative_prompt="blur, text",
        seed="7",
        size=Size(width=1024, height=768),
        quality="high",
        format="png",
        reference_url=f"https://signed/{pose}?for=86400",
    )


def test_an_order_that_refers_to_nothing_is_drawn_in_its_own_words_and_with_a_seed_of_its_own():
    job = queued(quantity=2, prompt="a red coat")
    job.id = UUID(int=2**64 + 77)
    assert asked(job) == ProviderCall(
        kind=StepKind.GENERATE, start_timeout=120, quantity=2, prompt="a red coat", seed="77"
    )


def test_a_reference_set_shows_the_model_in_all_its_words():
    job = refinement(prompt="on a beach")
    job.material, job.id = Material(weights=weights(MODEL, DAY_OLD)), UUID(int=77)
    assert asked(job) == ProviderCall(
        kind=StepKind.REFERENCE_SET,
        start_timeout=120,
        quantity=4,
        prompt="atl099a8057, on a beach, Ada, a tall woman, with short hair",
        seed="77",
        weights_url="https://fal/w.safetensors",
    )


@pytest.mark.parametrize(
    ("trained_at", "checkpoint"),
    [
        (DAY_OLD, "https://fal/w.safetensors"),
        (NOW - timedelta(days=7), "https://signed/models/w.safetensors?for=86400"),
    ],
)
def test_a_training_learns_from_its_archive_and_resumes_from_the_version_it_refines(trained_at, checkpoint):
    job = refinement()
    job.material, job.step = Material(weights=weights(MODEL, trained_at)), 2
    assert asked(job) == ProviderCall(
        kind=StepKind.TRAIN,
        start_timeout=600,
        archive_url=f"https://signed/{FOLDER}/{job.id}/training.zip?for=86400",
        checkpoint_url=checkpoint,
        trigger_word="atl099a8057",
    )


def test_a_training_from_nothing_has_no_checkpoint():
    job = refinement()
    job.step = 2
    assert asked(job).checkpoint_url is None


def test_a_call_has_at_least_the_two_seconds_to_start_that_the_provider_asks_for():
    hasty = replace(RULES, images=replace(RULES.images, start_timeout=timedelta(seconds=0.5)))
    assert asked(queued(), hasty).start_timeout == 2


def test_a_caption_says_what_the_images_of_a_training_show():
    assert caption(refinement()) == "atl099a8057, Ada, a tall woman, with short hair"
    assert caption(queued(Operation.CREATE_MODEL, model_id=MODEL, name="Ada")) == "atl099a8057, Ada"


def test_everything_a_training_makes_lies_in_one_folder_of_its_model():
    job = refinement()
    assert archive_key(job) == f"{FOLDER}/{job.id}/training.zip"
    assert weights_key(job) == f"{FOLDER}/{job.id}/weights.safetensors"
    assert sample_keys(TEAM, MODEL, job.id, 3, "png") == (
        f"{FOLDER}/{job.id}/samples/3.png",
        f"{FOLDER}/{job.id}/samples/3.thumb.webp",
    )


def test_images_lie_where_the_rules_for_their_lifetime_find_them():
    assert image_keys(TEAM, MODEL, 2, extension("jpeg")) == (
        f"images/{TEAM}/{MODEL}/2.jpg",
        f"thumbs/{TEAM}/{MODEL}/2.webp",
    )
    assert extension("png") == "png"


@pytest.mark.parametrize(
    ("key", "own"),
    [
        (f"uploads/{TEAM}/1.jpg", True),
        (f"images/{TEAM}/{MODEL}/1.jpg", True),
        (f"uploads/{MODEL}/1.jpg", False),
        (f"models/{TEAM}/1.jpg", False),
        (f"uploads/{TEAM}", False),
        (f"uploads/{TEAM}/../{MODEL}/1.jpg", False),
    ],
)
def test_a_team_hands_in_nothing_but_its_own_uploads_and_images(key, own):
    assert belongs(key, TEAM) is own
