"""Pictures without a model: drawn from nothing but words, a seed and the weights' fingerprints."""

import re
from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from sandbox.artist.canvas import Canvas, finish
from sandbox.artist.fields import liquid, ridges, silk
from sandbox.artist.light import spheres, trails
from sandbox.artist.palettes import category, choose, number, pick
from sandbox.artist.portrait import portrait
from sandbox.artist.shapes import arches, leaves, poster

SCENES: dict[str, Callable[[Canvas], Image.Image]] = {
    "silk": silk,
    "liquid": liquid,
    "ridges": ridges,
    "spheres": spheres,
    "trails": trails,
    "poster": poster,
    "arches": arches,
    "leaves": leaves,
    "portrait": portrait,
}
_FITTING = {
    "fashion": ("portrait", "silk", "arches", "poster", "portrait"),
    "fitness": ("trails", "portrait", "ridges", "trails", "poster"),
    "beauty": ("spheres", "portrait", "liquid", "silk", "leaves"),
    "lifestyle": ("ridges", "leaves", "spheres", "portrait", "liquid"),
    "business": ("arches", "portrait", "poster", "trails", "spheres"),
}
# What a prompt names outright is what it gets.
_SUBJECTS = {
    "portrait": "portrait headshot person woman man face model hair suit coach",
    "ridges": "landscape mountain mountains hills beach sea lake sunset sunrise dawn horizon desert harbour",
    "leaves": "leaf leaves garden botanical plant plants forest tree palm floral spring",
    "silk": "silk satin fabric textile drapery velvet cloth",
    "liquid": "liquid marble ink water cream fluid abstract",
    "spheres": "product still bottle perfume cosmetic skincare pedestal packshot ceramic",
    "trails": "speed motion running runner sprint neon cycling energy night",
    "arches": "architecture interior office building hall corridor arch studio lobby",
    "poster": "poster geometric pattern graphic grid brand",
}
_SAVED: dict[str, dict[str, int]] = {
    "jpeg": {"quality": 90},
    "png": {"compress_level": 1},
    "webp": {"quality": 86, "method": 2},
}


def draw(
    prompt: str, seed: int, width: int, height: int, lora_fingerprints: Sequence[str] = ()
) -> Image.Image:
    """Draw a picture; the same arguments give the same pixels.

    The prompt decides what is shown, the seed its details. Weights decide the look: a fingerprint is
    "family/file@scale", and what a family of them makes shares its colours.
    """
    about = category(prompt)
    look = "+".join(fingerprint.partition("/")[0] for fingerprint in lora_fingerprints) or prompt
    chance = np.random.default_rng(number(prompt, str(seed), *lora_fingerprints))
    # Weights bring their colours along, whatever the prompt is about.
    palette = choose(category(look) if lora_fingerprints else about, look)
    canvas = Canvas(width, height, palette, chance)
    scene = SCENES[_subject(prompt) or pick(_FITTING[about], look, "scene")]
    return finish(scene(canvas), canvas)


def _subject(prompt: str) -> str | None:
    words = set(re.findall("[a-z]+", prompt.lower()))
    return next((scene for scene, names in _SUBJECTS.items() if words & set(names.split())), None)


def encode(picture: Image.Image, kind: str) -> bytes:
    """Return the picture as a file of kind jpeg, png or webp."""
    out = BytesIO()
    picture.save(out, kind, **_SAVED[kind])
    return out.getvalue()
