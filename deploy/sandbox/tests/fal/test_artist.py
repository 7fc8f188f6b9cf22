import io
import time

import numpy as np
import pytest
from PIL import Image

from sandbox import artist
from sandbox.artist.canvas import Canvas
from sandbox.artist.palettes import choose


def pixels(*arguments: object, **more: object) -> np.ndarray:
    return np.asarray(artist.draw(*arguments, **more))


def test_the_same_words_and_seed_give_the_same_picture():
    assert np.array_equal(pixels("a hat", 3, 200, 120), pixels("a hat", 3, 200, 120))


def test_words_seed_and_weights_each_change_it():
    plain = pixels("a hat", 3, 120, 120)
    for other in (
        pixels("a cat", 3, 120, 120),
        pixels("a hat", 2**64 + 3, 120, 120),
        pixels("a hat", 3, 120, 120, lora_fingerprints=["aa/bb@1"]),
    ):
        assert not np.array_equal(plain, other)


def test_a_family_of_weights_keeps_its_colours():
    def mean(fingerprint: str) -> np.ndarray:
        return pixels("a poster", 3, 120, 120, lora_fingerprints=[fingerprint]).mean(axis=(0, 1))

    relative = np.abs(mean("oak/1@1") - mean("oak/2@1")).max()
    strangers = max(
        np.abs(mean("oak/1@1") - mean(f"{name}/1@1")).max() for name in ("elm", "ash", "fir", "yew")
    )
    assert relative < strangers


@pytest.mark.parametrize("scene", artist.SCENES)
@pytest.mark.parametrize("size", [(64, 64), (33, 80), (300, 170)])
def test_every_scene_fills_every_size(scene: str, size: tuple[int, int]):
    canvas = Canvas(*size, choose("beauty", "key"), np.random.default_rng(1))
    picture = artist.SCENES[scene](canvas)
    assert (picture.size, picture.mode) == (size, "RGB")
    assert np.asarray(picture).std() > 3


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_pictures_encode_as_what_they_say(kind: str):
    content = artist.encode(artist.draw("a hat", 1, 64, 64), kind)
    assert Image.open(io.BytesIO(content)).format == kind.upper()


def test_a_full_picture_is_quick():
    artist.draw("warm up", 1, 64, 64)
    began = time.process_time()
    artist.encode(artist.draw("a portrait", 1, 1024, 1024), "jpeg")
    assert time.process_time() - began < 1  # about 0.12 s when nothing else runs
