"""Scenes of drawn shapes: posters, arches, plants."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sandbox.artist.canvas import FINE, Canvas, pencil, shadowed, stamp
from sandbox.artist.palettes import Colour, mix


def poster(canvas: Canvas) -> Image.Image:
    """Print a grid of quarter circles, discs, stripes and dots."""
    palette = canvas.palette
    picture = canvas.blank(palette.at(0.96), FINE)
    cells = canvas.count(3, 5)
    side = canvas.side * FINE // cells
    columns, rows = (-(-length * FINE // side) for length in (canvas.width, canvas.height))
    colours = [palette.at(0.06), palette.at(0.28), palette.at(0.5), palette.at(0.74), palette.accent]
    for row in range(rows + 1):
        for column in range(columns + 1):
            first, second = canvas.chance.permutation(len(colours))[:2]
            _cell(picture, canvas, (column * side, row * side), side, colours[first], colours[second])
    return picture.reduce(FINE)


def _cell(
    picture: Image.Image, canvas: Canvas, at: tuple[float, float], side: float, ground: Colour, figure: Colour
) -> None:
    draw, (x, y) = pencil(picture), at
    draw.rectangle((x, y, x + side, y + side), fill=ground)
    kind = canvas.count(0, 5)
    if kind <= 2:  # a quarter circle, in it a smaller one
        corner = canvas.count(0, 3)
        cx, cy = x + side * (corner % 2), y + side * (corner // 2)
        for radius, colour in ((side, figure), (side / 2, ground)):
            _clipped_disc(picture, (cx, cy, radius), (x, y, x + side, y + side), colour)
    elif kind == 3:
        inset = side * 0.16
        draw.ellipse((x + inset, y + inset, x + side - inset, y + side - inset), fill=figure)
    elif kind == 4:
        for n in range(0, 6, 2):
            draw.rectangle((x, y + side * n / 6, x + side, y + side * (n + 1) / 6), fill=figure)
    else:
        _clipped_disc(picture, (x + side / 2, y + side, side / 2), (x, y, x + side, y + side), figure)
        _clipped_disc(picture, (x + side / 2, y + side / 2, side / 2), (x, y, x + side, y + side / 2), figure)


def _clipped_disc(
    picture: Image.Image,
    disc: tuple[float, float, float],
    box: tuple[float, float, float, float],
    fill: Colour,
) -> None:
    left, top, right, bottom = (round(edge) for edge in box)
    x, y, radius = disc
    mask = Image.new("L", (right - left, bottom - top))
    pencil(mask).ellipse((x - radius - left, y - radius - top, x + radius - left, y + radius - top), fill=255)
    picture.paste(fill, (left, top), mask)


def arches(canvas: Canvas) -> Image.Image:
    """Arches behind arches, the last one open to the sky."""
    palette = canvas.palette
    picture = canvas.backdrop(palette.at(0.12), palette.at(0.2))
    x, y = canvas.width * canvas.between(0.4, 0.6), canvas.height * canvas.between(0.52, 0.62)
    depth = canvas.count(4, 6)
    scales = [0.96 * 0.72**n for n in range(depth)]
    for n, scale in enumerate(scales):
        wall, beyond = _wall(canvas, n / (depth - 1)), scales[min(n + 1, depth - 1)]
        picture.paste(wall, mask=stamp(canvas, partial(_arch, Room(x, y, canvas.side), scale)))
        if n < depth - 1:
            floor = stamp(canvas, partial(_pavement, Room(x, y, canvas.side), scale, beyond))
            picture.paste(mix(wall, palette.at(0.98), 0.35), mask=floor)
    opening = stamp(canvas, partial(_arch, Room(x, y, canvas.side), scales[-1]))
    picture.paste(_view(canvas, y), mask=opening)
    return _haze(picture, canvas, (x, y))


@dataclass(frozen=True)
class Room:
    """Where the eye is led, and the shorter side of the picture; in pixels."""

    x: float
    y: float
    side: float

    def floor(self, scale: float) -> float:
        """Return the height of the floor under an arch of that scale."""
        return self.y + 0.42 * self.side * scale


def _wall(canvas: Canvas, far: float) -> Colour:
    return mix(canvas.palette.at(0.24 + 0.6 * far), canvas.palette.accent, 0.1 * far)


def _arch(room: Room, scale: float, draw: ImageDraw.ImageDraw, fine: int) -> None:
    half = 0.42 * room.side * scale * fine
    x, spring, floor = room.x * fine, (room.y - 0.06 * room.side * scale) * fine, room.floor(scale) * fine
    draw.ellipse((x - half, spring - half, x + half, spring + half), fill=255)
    draw.rectangle((x - half, spring, x + half, floor), fill=255)


def _pavement(room: Room, near: float, far: float, draw: ImageDraw.ImageDraw, fine: int) -> None:
    """Draw the floor between two arches, as it narrows into the distance."""
    outline = []
    for scale, side in ((near, -1), (near, 1), (far, 1), (far, -1)):
        outline.append(((room.x + side * 0.42 * room.side * scale) * fine, room.floor(scale) * fine))
    draw.polygon(outline, fill=255)


def _view(canvas: Canvas, horizon: float) -> Image.Image:
    palette = canvas.palette
    view = canvas.backdrop(palette.at(0.86), palette.at(1.0))
    sun = (canvas.width * canvas.between(0.44, 0.56), horizon)
    view = canvas.glow(view, sun, canvas.side * 0.12, palette.accent)
    sea = round(horizon + canvas.side * 0.03)
    view.paste(mix(palette.at(0.5), palette.accent, 0.15), (0, sea, canvas.width, canvas.height))
    return view


def _haze(picture: Image.Image, canvas: Canvas, eye: tuple[float, float]) -> Image.Image:
    """Let the light of the far end reach into the rooms before it."""
    lit = canvas.glow(picture, eye, 0.75 * canvas.side, canvas.palette.at(1.0))
    return Image.blend(picture, lit, 0.55)


def leaves(canvas: Canvas) -> Image.Image:
    """Fronds before a pale sun, the nearest out of focus."""
    palette, side = canvas.palette, canvas.side
    picture = canvas.backdrop(palette.at(0.92), palette.at(0.74))
    x, y = canvas.between(0.32, 0.68) * canvas.width, canvas.between(0.3, 0.46) * canvas.height
    picture = canvas.glow(picture, (x, y), 0.8 * side, palette.at(1.0))
    radius = canvas.between(0.2, 0.3) * side

    def sun(draw: ImageDraw.ImageDraw, fine: int) -> None:
        draw.ellipse([edge * fine for edge in (x - radius, y - radius, x + radius, y + radius)], fill=255)

    picture.paste(
        canvas.backdrop(palette.accent, mix(palette.accent, palette.at(1.0), 0.5)), mask=stamp(canvas, sun)
    )
    for tone, count, size in ((0.6, 4, 0.8), (0.34, 4, 0.9), (0.1, 2, 1.0)):
        mask = stamp(canvas, partial(_fronds, canvas, count, size))
        if tone < 0.2:
            mask = mask.reduce(2).filter(ImageFilter.GaussianBlur(side / 220)).resize(picture.size)
        else:
            shadowed(picture, mask, (round(0.012 * side), round(0.02 * side)), 0.02 * side, 0.22)
        picture.paste(canvas.backdrop(palette.at(tone + 0.16), palette.at(tone - 0.08)), mask=mask)
    return picture


def _fronds(canvas: Canvas, count: int, size: float, draw: ImageDraw.ImageDraw, fine: int) -> None:
    """Draw some fronds growing in from below, to the left and to the right of the middle."""
    for n in range(count):
        left = n % 2 == 0
        x = canvas.between(-0.08, 0.34) if left else canvas.between(0.66, 1.08)
        lean = canvas.between(-0.15, 0.65) * (1 if left else -1)
        root = (x * canvas.width * fine, canvas.height * canvas.between(1.0, 1.12) * fine)
        _frond(draw, canvas, root, lean, size * fine)


def _frond(
    draw: ImageDraw.ImageDraw, canvas: Canvas, root: tuple[float, float], lean: float, size: float
) -> None:
    length = canvas.between(0.55, 0.95) * canvas.side * size
    along = np.linspace(0, 1, 22)
    stem_x = root[0] + length * (lean * along**1.7)
    stem_y = root[1] - length * (along - 0.2 * abs(lean) * along**2)
    stem = list(zip(stem_x.tolist(), stem_y.tolist(), strict=True))
    draw.line(stem, fill=255, width=round(length * 0.007) + 1)
    heading = np.arctan2(np.gradient(stem_y), np.gradient(stem_x))
    broad = canvas.between(0.07, 0.11)
    for n in range(4, len(along)):
        reach = length * (0.06 + 0.24 * np.sin(np.pi * along[n] ** 0.9) ** 0.8)
        opening = 1.05 - 0.5 * along[n]
        for part in (-opening, opening):
            draw.polygon(_leaf(stem[n], float(heading[n] + part), reach, broad), fill=255)


def _leaf(at: tuple[float, float], angle: float, length: float, broad: float) -> list[tuple[float, float]]:
    """Return the outline of a leaf: a bow out and a bow back."""
    along = np.linspace(0, 1, 10)
    bow = np.sin(np.pi * along**0.8) * broad * length
    out = np.concatenate([along, along[::-1]]) * length
    side = np.concatenate([bow, -bow[::-1]])
    x = at[0] + out * np.cos(angle) - side * np.sin(angle)
    y = at[1] + out * np.sin(angle) + side * np.cos(angle)
    return list(zip(x.tolist(), y.tolist(), strict=True))
