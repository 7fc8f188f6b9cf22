"""Scenes of light: a still life of spheres, trails in the dark."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from sandbox.artist.canvas import Canvas, pencil, shadowed, stamp
from sandbox.artist.palettes import Colour, Floats, mix


def spheres(canvas: Canvas) -> Image.Image:
    """Paint a still life: spheres and plinths on a studio sweep."""
    palette = canvas.palette
    picture = canvas.backdrop(palette.at(canvas.between(0.62, 0.8)), palette.at(0.95))
    spot = (canvas.between(0.2, 0.5) * canvas.width, canvas.between(0.1, 0.35) * canvas.height)
    picture = canvas.glow(picture, spot, 0.9 * canvas.side, palette.at(1.0))
    floor = round(canvas.between(0.62, 0.7) * canvas.height)
    _window(picture, canvas)
    picture.paste(_floor(canvas, floor), (0, floor))
    for column in range(canvas.count(1, 3)):
        _plinth(picture, canvas, floor, column)
    for ball in _balls(canvas, floor):
        _ball(picture, *ball)
    return picture


def _window(picture: Image.Image, canvas: Canvas) -> None:
    """Put a round niche into the wall."""
    side = canvas.side
    x, y = canvas.between(0.35, 0.65) * canvas.width, canvas.between(0.36, 0.44) * canvas.height
    radius = canvas.between(0.24, 0.32) * side

    def disc(draw: ImageDraw.ImageDraw, scale: int) -> None:
        draw.ellipse([edge * scale for edge in (x - radius, y - radius, x + radius, y + radius)], fill=255)

    tones = mix(canvas.palette.at(0.5), canvas.palette.accent, 0.35), canvas.palette.at(0.8)
    picture.paste(canvas.backdrop(*tones), mask=stamp(canvas, disc))


def _floor(canvas: Canvas, top: int) -> Image.Image:
    down = np.linspace(0.9, 0.72, canvas.height - top, dtype=np.float32)[:, None]
    return Image.fromarray(canvas.palette.ramp(np.broadcast_to(down, (canvas.height - top, canvas.width))))


def _plinth(picture: Image.Image, canvas: Canvas, floor: int, column: int) -> None:
    side = canvas.side
    width, height = round(canvas.between(0.18, 0.3) * side), round(canvas.between(0.12, 0.42) * side)
    left = round((0.12 + 0.3 * column + canvas.between(-0.04, 0.06)) * canvas.width)
    foot = floor + round(canvas.between(0.05, 0.12) * side)
    box = (left, foot - height, left + width, foot)
    mask = Image.new("L", picture.size)
    pencil(mask).rectangle(box, fill=255)
    shadowed(picture, mask, (round(0.05 * side), round(0.03 * side)), 0.03 * side, 0.4)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    tone = 0.4 + 0.5 * np.cos((across + 0.45) * 1.15)[None, :].repeat(height, axis=0)
    picture.paste(Image.fromarray(canvas.palette.ramp(tone)), box[:2])
    lid = round(width * 0.16)
    top, bottom = (box[0], box[1] - lid), (box[0], box[3] - lid)
    _ellipse(picture, bottom, (width, lid * 2), Image.fromarray(canvas.palette.ramp(tone)))
    _ellipse(picture, top, (width, lid * 2), Image.new("RGB", (width, lid * 2), canvas.palette.at(0.96)))


def _ellipse(picture: Image.Image, corner: tuple[int, int], size: tuple[int, int], fill: Image.Image) -> None:
    mask = Image.new("L", (size[0] * 4, size[1] * 4))
    pencil(mask).ellipse((0, 0, size[0] * 4 - 1, size[1] * 4 - 1), fill=255)
    picture.paste(fill.resize(size), corner, mask.reduce(4))


def _balls(canvas: Canvas, floor: int) -> list[tuple[float, float, float, Colour]]:
    """Return centre, radius and colour of each sphere, the farthest first."""
    palette, side = canvas.palette, canvas.side
    colours = [palette.accent, palette.at(0.45), palette.at(0.3), palette.at(0.62), palette.at(0.15)]
    balls = []
    for n in range(canvas.count(3, 5)):
        radius = canvas.between(0.06, 0.19) * side
        foot = floor + canvas.between(0.1, 0.3) * side
        x = canvas.width * (0.14 + 0.72 * (n + canvas.between(0.1, 0.9)) / 5)
        balls.append((foot, x, radius, colours[n]))
    return [(x, foot - radius, radius, colour) for foot, x, radius, colour in sorted(balls)]


def _ball(picture: Image.Image, x: float, y: float, radius: float, colour: Colour) -> None:
    _contact(picture, x, y + radius, radius)
    side = round(radius * 2)
    down, across = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) / radius - 1
    distance = np.sqrt(across**2 + down**2)
    depth = np.sqrt(np.clip(1 - distance**2, 0, 1))
    shade = np.clip(-0.55 * across - 0.6 * down + 0.6 * depth, 0, 1)
    gloss = np.clip(-0.42 * across - 0.46 * down + 0.78 * depth, 0, 1) ** 40
    bounce = np.clip(down, 0, 1) * (1 - depth) * 0.35
    tone = 0.3 + 0.75 * shade + bounce
    pixels = np.array(colour, np.float32) * tone[..., None] + gloss[..., None] * 190
    edge = np.clip((1 - distance) * radius + 0.5, 0, 1) * 255
    ball = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    picture.paste(ball, (round(x - radius), round(y - radius)), Image.fromarray(edge.astype(np.uint8)))


def _contact(picture: Image.Image, x: float, foot: float, radius: float) -> None:
    """Darken the floor under a sphere, away from the light."""
    width, height = round(radius * 3.4), round(radius * 0.9)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(across / width * 2 - 1, down / height * 2 - 1)
    dark = np.clip(1 - distance, 0, 1) ** 1.4 * 150
    corner = (round(x - width / 2 + radius * 0.35), round(foot - height * 0.6))
    picture.paste((20, 14, 22), corner, Image.fromarray(dark.astype(np.uint8)))


def trails(canvas: Canvas) -> Image.Image:
    """Sweeping lines of light in a dark room: speed."""
    palette = canvas.palette
    picture = canvas.backdrop(palette.at(0.02), palette.at(0.2))
    centre = (canvas.between(0.2, 0.8) * canvas.width, canvas.between(0.55, 0.9) * canvas.height)
    picture = canvas.glow(picture, centre, 0.9 * canvas.side, palette.at(0.42))
    lines = _lines(canvas)
    small = lines.reduce(2)
    soft = small.filter(ImageFilter.GaussianBlur(canvas.side / 130))
    wide = small.reduce(2).filter(ImageFilter.GaussianBlur(canvas.side / 50)).resize(small.size)
    bloom = ImageChops.add(soft, ImageChops.add(wide, wide)).resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.screen(ImageChops.screen(picture, bloom), lines)


def _lines(canvas: Canvas) -> Image.Image:
    lines = Image.new("RGB", (canvas.width, canvas.height))
    if canvas.maybe(0.45):
        _rings(lines, canvas)
        return lines
    for _ in range(canvas.count(1, 2)):
        _bundle(lines, canvas)
    return lines


def _rings(lines: Image.Image, canvas: Canvas) -> None:
    """Draw what a light leaves that is swung around: arcs about one centre."""
    draw, palette, side = pencil(lines), canvas.palette, canvas.side
    x, y = canvas.between(0.3, 0.7) * canvas.width, canvas.between(0.35, 0.65) * canvas.height
    head = canvas.between(0, 360)
    for n in range(canvas.count(40, 60)):
        radius = canvas.between(0.12, 0.62) * side
        flat = radius * canvas.between(0.94, 1.06)
        start = head + canvas.between(-70, 70)
        colour = palette.accent if n % 4 == 0 else palette.at(canvas.between(0.45, 1.0))
        faded = mix((0, 0, 0), colour, canvas.between(0.15, 1.0))
        box = (x - radius, y - flat, x + radius, y + flat)
        draw.arc(
            box,
            start,
            start + canvas.between(60, 290),
            faded,
            max(round(side * canvas.between(0.001, 0.005)), 1),
        )


def _bundle(lines: Image.Image, canvas: Canvas) -> None:
    draw = pencil(lines)
    palette, side = canvas.palette, canvas.side
    bundle = np.array([canvas.between(-0.3, 0.3), canvas.between(0.3, 0.9), canvas.between(0.5, 1.1)])
    sway = canvas.chance.uniform(0, 6.3, 3)
    x = np.linspace(-0.1, canvas.width / side + 0.1, 90)
    count = canvas.count(34, 52)
    for n in range(count):
        spread = (n / count - 0.5) * canvas.between(0.8, 1.2)
        y = _sweep(x, bundle, sway, spread) * canvas.height
        colour = palette.accent if n % 5 == 0 else palette.at(canvas.between(0.4, 0.95))
        dim = canvas.between(0.15, 1.0)
        points = list(zip((x * side).tolist(), y.tolist(), strict=True))
        draw.line(
            points,
            fill=mix((0, 0, 0), colour, dim),
            width=max(round(side * canvas.between(0.0008, 0.005)), 1),
        )


def _sweep(x: Floats, bundle: Floats, sway: Floats, spread: float) -> Floats:
    """Return the height of one line: all share a gesture and part on the way."""
    gesture = 0.5 + bundle[0] * np.sin(x * 2.2 + sway[0]) + 0.14 * np.sin(x * 4.1 + sway[1])
    opening = spread * (0.15 + bundle[1] * (0.5 + 0.5 * np.sin(x * 1.9 + sway[2])))
    return np.asarray(gesture + opening, np.float32)
