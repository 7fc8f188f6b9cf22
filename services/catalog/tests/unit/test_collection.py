"""Promises about the curated collection itself."""

import re
from collections import Counter
from io import BytesIO

import pytest
from PIL import Image
from services.catalog.tests.stories import curated

from catalog.adapters.outbound.files import collection

COLLECTION = collection()
KIB = 1024


def test_there_are_more_than_a_dozen_models_in_each_category():
    counts = Counter(model.category for model in COLLECTION)

    assert set(counts) == {"fashion", "fitness", "beauty", "lifestyle", "business"}
    assert min(counts.values()) > 12
    assert len(COLLECTION) >= 64


@pytest.mark.parametrize("field", ["id", "slug", "name", "description", "prompt_recipe", "negative_prompt"])
def test_no_two_models_share_their(field):
    assert Counter(getattr(model, field) for model in COLLECTION).most_common(1)[0][1] == 1


@pytest.mark.parametrize("model", COLLECTION, ids=lambda model: model.slug)
def test_a_model_is_written_with_care(model):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", model.slug)
    assert 4 <= len(model.tags) <= 7
    assert len(set(model.tags)) == len(model.tags)
    assert 2 <= len(re.findall(r"[.!?](?=\s|$)", model.description)) <= 3
    assert model.prompt_recipe.count("{prompt}") == 1
    assert model.prompt_recipe.count("{") == 1
    assert len(model.prompt_recipe) > 200


@pytest.mark.parametrize("model", COLLECTION, ids=lambda model: model.slug)
def test_a_model_has_a_portrait_picture_of_modest_size(model):
    with Image.open(BytesIO(model.preview)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (512, 640))
    assert len(model.preview) < 40 * KIB


def test_the_pictures_differ_and_are_small_together():
    assert len({model.preview for model in COLLECTION}) == len(COLLECTION)
    assert sum(len(model.preview) for model in COLLECTION) < 2 * KIB * KIB


def test_the_id_of_a_model_never_changes():
    assert str(curated("north-light-studio").id) == "023c5a67-9aa5-5680-a177-96778d84dbe8"


@pytest.mark.parametrize("recipe", ["no place", "{prompt} and {prompt}"])
def test_a_recipe_without_exactly_one_place_for_the_prompt_is_refused(recipe):
    with pytest.raises(ValueError, match="exactly one"):
        type(curated())(
            **{name: getattr(curated(), name) for name in curated().__slots__} | {"prompt_recipe": recipe}
        )
