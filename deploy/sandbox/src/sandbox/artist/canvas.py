"""What every scene is made with: noise, coordinates, soft light, the finish."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sandbox.artist.palettes import Colour, Floats, Palette

FINE = 2
_GRAIN_SIDE = 512
_GRAIN = np.random.default_rng(7).standard_normal((_GRAIN_SIDE, _GRAIN_SIDE)).astype(np.float32)


@dataclass(frozen=True)
class Canvas:
    """A size, the colours, and the chance that makes each picture its own."""

    width: int
    height: int
    palette: Palette
    chance: np.random.Generator

    @property
    def half(self) -> tuple[int, int]:
        """Width and height at which smooth fields are computed: nobody sees the difference."""
        return max(self.width // 2, 8), max(self.height // 2, 8)

    @property
    def side(self) -> int:
        """The shorter side: what sizes are measured by."""
        return min(self.width, self.height)

    def between(self, low: float, high: float) -> float:
        """Return a random number."""
        return float(self.chance.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Return a random whole number, both ends included."""
        return int(self.chance.integers(low, high + 1))

    def maybe(self, probability: float = 0.5) -> bool:
        """Toss a coin."""
        return self.between(0, 1) < probability

    def grid(self, size: tuple[int, int]) -> tuple[Floats, Floats]:
        """Return x and y of each pixel, the shorter side being 1 long."""
        width, height = size
        side = min(width, height)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        return x / side, y / side

    def noise(self, size: tuple[int, int], cells: float, octaves: int = 3) -> Floats:
        """Return smooth value noise between about -1 and 1, finer octaves weighing half each."""
        total = np.zeros((size[1], size[0]), np.float32)
        weight = 1.0
        for _ in range(octaves):
            total += weight * self._octave(size, cells)
            weight, cells = weight / 2, cells * 2
        return total / np.float32(1.4)

    def _octave(self, size: tuple[int, int], cells: float) -> Floats:
        side = min(size)
        across, down = (max(round(cells * length / side), 1) + 3 for length in size)
        knots = Image.fromarray(self.chance.uniform(-1, 1, (down, across)).astype(np.float32))
        box = (1, 1, across - 1, down - 1)
        return np.asarray(knots.resize(size, Image.Resampling.BICUBIC, box), np.float32)

    def blank(self, colour: Colour, scale: int = 1) -> Image.Image:
        """Return an even picture, larger by `scale` when its edges are to be smoothed by `shrink`."""
        return Image.new("RGB", (self.width * scale, self.height * scale), colour)

    def backdrop(self, top: Colour, bottom: Colour) -> Image.Image:
        """Return a soft gradient from top to bottom."""
        strip = Image.new("RGB", (1, 2))
        strip.putdata([top, bottom])
        box = (0, 0.5, 1, 1.5)
        return strip.resize((self.width, self.height), Image.Resampling.BILINEAR, box)

    def glow(
        self, picture: Image.Image, centre: tuple[float, float], radius: float, colour: Colour
    ) -> Image.Image:
        """Add a soft light; centre in pixels, radius where it has faded."""
        width, height = (max(length // 4, 2) for length in (self.width, self.height))
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) * 4
        distance = np.hypot(x - centre[0], y - centre[1]) / radius
        light = np.clip(1 - distance, 0, 1) ** 2 * 255
        mask = Image.fromarray(light.astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
        return Image.composite(Image.new("RGB", picture.size, colour), picture, mask)


def enlarge(field: Floats, palette: Palette, size: tuple[int, int]) -> Image.Image:
    """Colour a smooth field and bring it to full size."""
    return Image.fromarray(palette.ramp(field)).resize(size, Image.Resampling.BICUBIC)


def relief(height: Floats, angle: float, depth: float) -> tuple[Floats, Floats]:
    """Light a surface from `angle`; returns how bright (0..1) and how glossy (0..1) each point is."""
    down, across = np.gradient(height)
    across, down = across * depth, down * depth
    length = np.sqrt(across * across + down * down + 1)
    facing = (0.55 - 0.62 * (np.cos(angle) * across + np.sin(angle) * down)) / length
    bright = np.clip(facing + 0.2, 0, 1)
    return bright, np.clip(bright, 0, 1) ** 14


def shadowed(
    picture: Image.Image, mask: Image.Image, offset: tuple[int, int], blur: float, strength: float
) -> None:
    """Darken the picture by the blurred shadow of a mask (mode L, same size), in place."""
    small = mask.reduce(4).filter(ImageFilter.GaussianBlur(blur / 4)).resize(mask.size)
    shade = Image.new("L", mask.size)
    shade.paste(small.point(lambda value: int(value * strength)), offset)
    picture.paste((12, 10, 16), mask=shade)


def stamp(canvas: Canvas, shape: Callable[[ImageDraw.ImageDraw, int], None]) -> Image.Image:
    """Return the mask of a shape, drawn `FINE` times as large and then reduced: smooth edges."""
    large = Image.new("L", (canvas.width * FINE, canvas.height * FINE))
    shape(ImageDraw.Draw(large), FINE)
    return large.reduce(FINE)


def pencil(picture: Image.Image) -> ImageDraw.ImageDraw:
    """Draw on a picture."""
    return ImageDraw.Draw(picture)


def finish(picture: Image.Image, canvas: Canvas, grain: float = 2.2, vignette: float = 0.22) -> Image.Image:
    """Add what makes it look photographed: darker corners and film grain."""
    width, height = picture.size
    across = np.linspace(-1, 1, width, dtype=np.float32) ** 2
    down = np.linspace(-1, 1, height, dtype=np.float32) ** 2
    corners = 1 - vignette * ((across[None, :] + down[:, None]) / 2) ** 2
    shift = canvas.chance.integers(0, _GRAIN_SIDE, 2)
    tile = np.roll(_GRAIN, shift, (0, 1)) * grain
    tiled = np.tile(tile, (-(-height // _GRAIN_SIDE), -(-width // _GRAIN_SIDE)))[:height, :width]
    pixels = np.asarray(picture, np.float32) * corners[..., None] + tiled[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
