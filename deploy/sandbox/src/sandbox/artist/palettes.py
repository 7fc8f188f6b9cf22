"""Colours that go together: curated ramps from dark to light, each with an accent."""

import colorsys
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Floats = NDArray[np.floating[Any]]

_STEPS = 512
_PALETTES: dict[str, tuple[str, ...]] = {
    "fashion": (
        "1b1b1f 4a3f45 a68a7b d9c5b2 f4ece4 b5533c",
        "0f1020 3a2e5c 8b5fbf d8b4e2 f7eaf7 f2b705",
        "2b0f14 7a1f2b c8553d f0b67f fbeee0 1d3557",
        "14213d 33415c 7d8597 d6d6d6 f7f5f0 fca311",
        "1f1a17 5c4033 a47148 d4a373 faedcd 606c38",
        "10141c 2c3e50 8e7f7f e0c9b4 fbf3ea c0392b",
    ),
    "fitness": (
        "03071e 4a0a18 d02a1e f48c06 ffe8b8 48cae4",
        "061a23 0b525b 1b998b 9ff0c0 f0fff1 ff5d5d",
        "10002b 3c096c 7b2cbf e0aaff fdf3ff 00f5d4",
        "0b132b 1c2541 3a506b 5bc0be e8fffb ffd166",
        "0a0f0d 14342b 3f7d4e b4d455 fbffe3 ff7b3d",
    ),
    "beauty": (
        "3d1f2b 8c4a5f d88c9a f2d0c9 fff5f0 b08d57",
        "2d2a32 6d6875 b5838d e5989b ffe3d8 ffcdb2",
        "43281c a26769 d5b9b2 ece2d0 fffaf3 6d2e46",
        "2f3e46 52796f 9cc5a1 dce9d5 fbfff8 e29578",
        "2a1a3e 6b4a8a b79ced e8d5f5 fdf8ff f2a6b3",
    ),
    "lifestyle": (
        "264653 2a9d8f e9c46a f4c191 fdf0d5 e76f51",
        "283618 606c38 b7b77a ece5b8 fffdf2 bc6c25",
        "1d3557 457b9d a8dadc dff2ec ffffff e63946",
        "3a2618 8a5a44 d69f7e f5d0b5 fff4e6 4f772d",
        "22223b 4a4e69 9a8c98 c9ada7 f2e9e4 e07a5f",
        "0f3d3e 3f7d6b 9dbf9e e9d8a6 fff6e0 ee9b00",
    ),
    "business": (
        "0b1f3a 1f4068 5c8db8 c3d7e8 f6fafd f2a541",
        "14181f 2f3b4c 6b7f99 bccad6 f5f7f9 2ec4b6",
        "0d1b2a 1b263b 415a77 a9bcd0 f0f2ef ee6c4d",
        "1a1a2e 0f3460 3e7cb1 b9d2e8 ffffff e94560",
        "16222a 3a6073 8fb3b0 d9e4dd fbfdf9 d98e04",
    ),
}
_HINTS = {
    "fashion": "fashion couture runway editorial dress textile fabric streetwear denim tailored gown style",
    "fitness": "fitness gym sport athlete athletic running yoga strength boxing cycling workout energy",
    "beauty": "beauty skincare skin makeup cosmetic lipstick perfume glow fragrance serum hair nail",
    "lifestyle": "lifestyle travel home interior coffee food nature beach garden kitchen cosy family outdoor",
    "business": "business corporate office startup finance meeting executive headshot brand technology",
}


@dataclass(frozen=True)
class Palette:
    """Five colours from dark to light, and one that stands out."""

    colours: tuple[Colour, ...]
    accent: Colour

    @cached_property
    def _table(self) -> NDArray[np.uint8]:
        # Mixed in linear light: mixing the bytes makes muddy middles.
        stops = (np.array(self.colours, np.float32) / 255) ** 2.2
        at = np.linspace(0, 1, _STEPS)
        known = np.linspace(0, 1, len(stops))
        mixed = np.stack([np.interp(at, known, stops[:, channel]) for channel in range(3)], axis=1)
        return np.asarray(mixed ** (1 / 2.2) * 255, np.uint8)

    def ramp(self, values: Floats) -> NDArray[np.uint8]:
        """Colour a field of values, 0 the darkest and 1 the lightest; shape (h, w) becomes (h, w, 3)."""
        index = np.clip(values * (_STEPS - 1), 0, _STEPS - 1).astype(np.uint16)
        return self._table.take(index, axis=0)

    def at(self, value: float) -> Colour:
        """Return one colour of the ramp."""
        red, green, blue = self._table[round(min(max(value, 0.0), 1.0) * (_STEPS - 1))]
        return int(red), int(green), int(blue)


def category(text: str) -> str:
    """Return what the words are about, by the first hint found; without one, a hash decides."""
    words = re.findall("[a-z]+", text.lower())
    for word in words:
        for name, hints in _HINTS.items():
            if word in hints.split():
                return name
    return pick(tuple(_PALETTES), text, "category")


def choose(about: str, key: str) -> Palette:
    """Return the palette of a key within its category, its hues turned a little."""
    *ramp, accent = (_rgb(code) for code in pick(_PALETTES[about], key, "palette").split())
    turn = (number(key, "turn") % 1000 / 1000 - 0.5) * 0.07
    return Palette(tuple(_turned(colour, turn) for colour in ramp), _turned(accent, turn))


def pick(choices: tuple[str, ...], *key: str) -> str:
    """Choose by hash: the same key, the same choice."""
    return choices[number(*key) % len(choices)]


def number(*key: str) -> int:
    """Return a number that looks random and depends on the key alone."""
    return int.from_bytes(hashlib.sha256("\0".join(key).encode()).digest()[:8], "big")


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour between two, `share` of the way to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _rgb(code: str) -> Colour:
    return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)


def _turned(colour: Colour, turn: float) -> Colour:
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = colorsys.hls_to_rgb((hue + turn) % 1, light, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)
