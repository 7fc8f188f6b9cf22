"""Scenes computed point by point: cloth, liquid, land."""

import numpy as np
from PIL import Image

from sandbox.artist.canvas import Canvas, enlarge, relief
from sandbox.artist.palettes import Floats


def silk(canvas: Canvas) -> Image.Image:
    """Folds of cloth in raking light."""
    size = canvas.half
    x, y = canvas.grid(size)
    turn = canvas.between(0.3, 1.2) * (1 if canvas.maybe() else -1)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    drape = canvas.noise(size, 1.6, 2)
    phase = along * canvas.between(7, 12) + drape * canvas.between(4, 6.5)
    folds = np.sin(phase) + 0.45 * np.sin(phase * 2.3 + 3 * canvas.noise(size, 1.2, 1))
    bright, gloss = relief(folds, turn + canvas.between(-0.5, 0.5), 0.055 * min(size))
    tone = 0.08 + 0.62 * bright + 0.1 * drape + 0.3 * gloss
    cloth = enlarge(tone, canvas.palette, (canvas.width, canvas.height))
    return _dyed(cloth, canvas, drape)


def liquid(canvas: Canvas) -> Image.Image:
    """Ink turning in water: coordinates bent by sines again and again."""
    size = canvas.half
    x, y = canvas.grid(size)
    scale = canvas.between(1.3, 2.1)
    x, y = x * scale, y * scale
    for n in range(1, 5):
        bend = canvas.between(0.5, 0.75) / n
        x = x + bend * np.sin(n * 1.9 * y + canvas.between(0, 6.3))
        y = y + bend * np.sin(n * 1.7 * x + canvas.between(0, 6.3))
    flow = np.sin(x * 1.6 + y) + 0.5 * np.sin(y * 2.2 - x)
    bright, gloss = relief(flow, canvas.between(0, 6.3), 0.06 * min(size))
    tone = 0.42 + 0.26 * flow + 0.34 * (bright - 0.6) + 0.24 * gloss
    ink = enlarge(tone, canvas.palette, (canvas.width, canvas.height))
    return _dyed(ink, canvas, np.sin(x - y * 0.7))


def _dyed(picture: Image.Image, canvas: Canvas, where: Floats) -> Image.Image:
    """Let the accent shine through where a field is highest."""
    amount = np.clip(where - 0.25, 0, 0.6) * 210
    mask = Image.fromarray(amount.astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", picture.size, canvas.palette.accent), picture, mask)


def ridges(canvas: Canvas) -> Image.Image:
    """Hills behind hills under a low sun, sometimes above still water."""
    water = canvas.maybe(0.4)
    horizon = canvas.between(0.42, 0.55) if water else canvas.between(0.3, 0.5)
    down = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    sky = np.broadcast_to(0.62 + 0.36 * np.clip(down / horizon, 0, 1) ** 1.5, (canvas.height, canvas.width))
    sun = (canvas.between(0.25, 0.75) * canvas.width, canvas.between(0.45, 0.85) * horizon * canvas.height)
    picture = Image.fromarray(canvas.palette.ramp(sky))
    picture = canvas.glow(picture, sun, 0.75 * canvas.side, canvas.palette.accent)
    picture = canvas.glow(picture, sun, 0.4 * canvas.side, canvas.palette.at(1.0))
    _disc(picture, sun, canvas.between(0.045, 0.1) * canvas.side, canvas)
    land, covered = _land(canvas, down, horizon, canvas.count(2, 3) if water else canvas.count(5, 6))
    picture.paste(Image.fromarray(canvas.palette.ramp(land)), mask=covered)
    return _mirrored(picture, canvas, horizon + 0.17) if water else picture


def _disc(picture: Image.Image, centre: tuple[float, float], radius: float, canvas: Canvas) -> None:
    side = round(radius * 2) + 4
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - side / 2
    edge = np.clip(radius - np.hypot(x, y), 0, 1) * 255
    corner = (round(centre[0] - side / 2), round(centre[1] - side / 2))
    picture.paste(canvas.palette.at(1.0), corner, Image.fromarray(edge.astype(np.uint8)))


def _land(canvas: Canvas, down: Floats, horizon: float, layers: int) -> tuple[Floats, Image.Image]:
    """Return the tone of the land and where it covers the sky; nearer hills are darker."""
    tone = np.zeros((canvas.height, canvas.width), np.float32)
    covered = np.zeros_like(tone)
    sharp = canvas.between(0.35, 1.0)
    for layer in range(layers):
        near = layer / max(layers - 1, 1)
        line = _skyline(canvas, 1.5 + 2.5 * near, sharp)
        top = horizon + (0.9 - horizon) * near**1.25 - 0.02 + line * (0.05 + 0.09 * near)
        below = down - top[None, :]
        cover = np.clip(below * canvas.height, 0, 1)
        body = 0.7 - 0.66 * near**0.8 + np.clip(below * 1.1, 0, 0.2) * (1.3 - near)
        # The farthest hill has only sky behind it: its edge is blended by the mask alone.
        tone = np.where(covered == 0, body, tone + cover * (body - tone))
        covered = np.maximum(covered, cover)
    return tone, Image.fromarray((covered * 255).astype(np.uint8))


def _skyline(canvas: Canvas, cells: float, sharp: float) -> Floats:
    x = np.linspace(0, canvas.width / canvas.side, canvas.width, dtype=np.float32)
    line = np.zeros_like(x)
    for octave in range(5):
        height = (1.0 if octave == 0 else sharp) / 1.9**octave
        line += np.float32(height) * np.sin(
            x * np.float32(cells * 2.1**octave * 1.7) + np.float32(canvas.between(0, 6.3))
        )
    return line


def _mirrored(picture: Image.Image, canvas: Canvas, shore: float) -> Image.Image:
    """Let the lower part be water that repeats the upper, rippled and dimmed."""
    at = round(shore * canvas.height)
    pixels = np.asarray(picture).copy()
    rows = np.arange(at, canvas.height)
    deep = (rows - at) / max(canvas.height - at, 1)
    waves = np.sin(rows * 0.35 + canvas.between(0, 6.3)) + np.sin(rows * 0.83)
    ripple = (waves * (0.15 + deep) * 0.007 * canvas.width).round().astype(int)
    columns = np.clip(np.arange(canvas.width)[None, :] + ripple[:, None], 0, canvas.width - 1)
    source = np.clip(2 * at - rows, 0, at - 1)[:, None]
    dim = (0.92 - 0.3 * deep)[:, None, None].astype(np.float32)
    pixels[at:] = (pixels[source, columns] * dim).astype(np.uint8)
    return Image.fromarray(pixels)
