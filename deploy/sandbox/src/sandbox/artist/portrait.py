"""Portraits as a poster artist cuts them: hair, face and shoulders as shapes, light from one side."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from sandbox.artist.canvas import FINE, Canvas, pencil
from sandbox.artist.palettes import Colour, mix

_SKIN: tuple[Colour, ...] = (
    (247, 214, 190),
    (232, 186, 152),
    (205, 150, 112),
    (168, 112, 78),
    (122, 78, 54),
    (88, 56, 42),
)
_HAIR: tuple[Colour, ...] = (
    (28, 22, 24),
    (62, 38, 28),
    (120, 72, 40),
    (186, 138, 84),
    (92, 34, 30),
    (60, 58, 66),
)


@dataclass(frozen=True)
class Sitter:
    """Where the head is and how large; all in pixels of the drawing."""

    x: float
    y: float
    size: float  # half the height of the face

    def box(self, dx: float, dy: float, rx: float, ry: float) -> tuple[float, float, float, float]:
        """Return the box of an ellipse around a point, in units of the head."""
        x, y = self.x + dx * self.size, self.y + dy * self.size
        return x - rx * self.size, y - ry * self.size, x + rx * self.size, y + ry * self.size

    def points(self, *outline: tuple[float, float]) -> list[tuple[float, float]]:
        """Return points in units of the head."""
        return [(self.x + x * self.size, self.y + y * self.size) for x, y in outline]


def portrait(canvas: Canvas) -> Image.Image:
    """Draw one person, faceless, before a disc."""
    palette = canvas.palette
    picture = canvas.backdrop(palette.at(0.92), palette.at(0.7))
    x, y = canvas.width * canvas.between(0.44, 0.56), canvas.height * canvas.between(0.4, 0.46)
    sitter = Sitter(x * FINE, y * FINE, canvas.side * 0.17 * FINE)
    disc = _blank(picture)
    pencil(disc).ellipse(
        sitter.box(canvas.between(-0.7, 0.7), canvas.between(-0.4, 0.3), 2.05, 2.05), fill=255
    )
    picture.paste(palette.accent, mask=disc.reduce(FINE))
    skin = _SKIN[canvas.count(0, len(_SKIN) - 1)]
    hair = mix(_HAIR[canvas.count(0, len(_HAIR) - 1)], palette.at(0.0), 0.25)
    style = canvas.count(0, 4)
    _behind(picture, canvas, sitter, hair, style)
    _body(picture, canvas, sitter, skin)
    _face(picture, sitter, skin)
    _fringe(picture, sitter, hair, style)
    return picture


def _paint(picture: Image.Image, drawn: Image.Image, colour: Colour, reach: float) -> None:
    """Fill a shape, lit from the left: a darker right edge and a lighter left one."""
    reach = max(reach / FINE, 1)
    box = _around(drawn, round(reach))
    left, top, right, bottom = (edge * FINE for edge in box)
    mask = drawn.crop((left, top, right, bottom)).reduce(FINE)
    ground = picture.crop(box)
    ground.paste(colour, mask=mask)
    shift = round(reach)
    _edge(ground, mask, (-shift, -shift // 3), mix(colour, (20, 12, 24), 0.4), 0.75)
    _edge(ground, mask, (shift // 2, shift // 4), mix(colour, (255, 246, 232), 0.5), 0.55)
    picture.paste(ground, box[:2])


def _edge(
    ground: Image.Image, mask: Image.Image, shift: tuple[int, int], colour: Colour, strength: float
) -> None:
    """Tint softly the part of a shape that a shifted copy of it leaves uncovered."""
    uncovered = ImageChops.subtract(mask, ImageChops.offset(mask, *shift))
    blur = (abs(shift[0]) + 4) / 14
    soft = uncovered.reduce(2).filter(ImageFilter.GaussianBlur(blur * 2)).resize(mask.size)
    ground.paste(colour, mask=ImageChops.multiply(soft.point(lambda value: value * strength), mask))


def _around(drawn: Image.Image, margin: int) -> tuple[int, int, int, int]:
    """Return the box of a shape in pixels of the picture, with room for its edges to be shifted."""
    left, top, right, bottom = drawn.getbbox() or (0, 0, FINE, FINE)
    return (
        left // FINE - margin - 2,
        top // FINE - margin - 2,
        -(-right // FINE) + margin + 2,
        -(-bottom // FINE) + margin + 2,
    )


def _blank(picture: Image.Image) -> Image.Image:
    """Return an empty drawing, `FINE` times as large as the picture."""
    return Image.new("L", (picture.width * FINE, picture.height * FINE))


def _behind(picture: Image.Image, canvas: Canvas, sitter: Sitter, hair: Colour, style: int) -> None:
    mask = _blank(picture)
    draw = pencil(mask)
    if style == 0:  # long
        draw.ellipse(sitter.box(0, -0.2, 1.05, 1.1), fill=255)
        length = canvas.between(1.5, 2.6)
        draw.rounded_rectangle(sitter.box(0, length / 2, 1.05, length / 2 + 0.4), sitter.size * 0.7, fill=255)
    elif style == 1:  # a bun
        draw.ellipse(sitter.box(canvas.between(-0.35, 0.35), -1.28, 0.46, 0.42), fill=255)
        draw.ellipse(sitter.box(0, -0.25, 0.9, 0.98), fill=255)
    elif style == 2:  # curls
        for angle in np.linspace(np.pi * 0.78, np.pi * 2.22, 13):
            draw.ellipse(sitter.box(np.cos(angle) * 0.95, np.sin(angle) * 0.95 - 0.2, 0.42, 0.42), fill=255)
    elif style == 3:  # a bob
        draw.ellipse(sitter.box(0, -0.18, 1.0, 1.08), fill=255)
        draw.rounded_rectangle(sitter.box(0, 0.35, 1.0, 0.62), sitter.size * 0.3, fill=255)
    else:  # short
        draw.ellipse(sitter.box(0, -0.32, 0.84, 0.9), fill=255)
    _paint(picture, mask, hair, sitter.size * 0.5)


def _body(picture: Image.Image, canvas: Canvas, sitter: Sitter, skin: Colour) -> None:
    neck = _blank(picture)
    pencil(neck).rounded_rectangle(sitter.box(0, 1.1, 0.34, 0.75), sitter.size * 0.2, fill=255)
    _paint(picture, neck, mix(skin, (60, 20, 20), 0.2), sitter.size * 0.3)
    broad = canvas.between(1.75, 2.1)
    clothes = _blank(picture)
    draw = pencil(clothes)
    draw.rounded_rectangle(sitter.box(0, 3.6, broad, 2.0), sitter.size * 1.15, fill=255)
    draw.polygon(sitter.points((-0.62, 1.5), (0.62, 1.5), (broad * 0.8, 2.0), (-broad * 0.8, 2.0)), fill=255)
    opening = canvas.count(0, 2)
    if opening == 0:
        draw.polygon(sitter.points((-0.36, 1.4), (0.36, 1.4), (0, 2.5)), fill=0)
    elif opening == 1:
        draw.ellipse(sitter.box(0, 1.45, 0.52, 0.42), fill=0)
    else:
        draw.rounded_rectangle(sitter.box(0, 1.5, 0.44, 0.3), sitter.size * 0.12, fill=255)
    chest = _blank(picture)
    pencil(chest).polygon(sitter.points((-0.62, 1.5), (0.62, 1.5), (0.3, 2.6), (-0.3, 2.6)), fill=255)
    _paint(picture, chest, skin, sitter.size * 0.4)
    _paint(picture, clothes, canvas.palette.at(canvas.between(0.1, 0.5)), sitter.size * 0.9)
    if opening == 0 and canvas.maybe():
        for side in (-1, 1):
            lapel = sitter.points((side * 0.36, 1.42), (side * 0.85, 1.75), (side * 0.5, 2.1), (0, 2.6))
            cut = _blank(picture)
            pencil(cut).polygon(lapel, fill=255)
            _paint(picture, cut, canvas.palette.at(0.06), sitter.size * 0.1)


def _face(picture: Image.Image, sitter: Sitter, skin: Colour) -> None:
    shade = _blank(picture)
    pencil(shade).ellipse(sitter.box(0.05, 1.0, 0.36, 0.3), fill=150)
    soft = shade.reduce(2 * FINE).filter(ImageFilter.GaussianBlur(sitter.size / 22)).resize(picture.size)
    picture.paste(mix(skin, (40, 10, 20), 0.55), mask=soft)
    mask = _blank(picture)
    draw = pencil(mask)
    draw.ellipse(sitter.box(0, -0.25, 0.72, 0.75), fill=255)
    draw.ellipse(sitter.box(0, 0.15, 0.62, 0.86), fill=255)
    _paint(picture, mask, skin, sitter.size * 0.42)


def _fringe(picture: Image.Image, sitter: Sitter, hair: Colour, style: int) -> None:
    """Lay hair over the forehead, parted to one side."""
    cap = _blank(picture)
    pencil(cap).ellipse(sitter.box(0, -0.3, 0.86, 0.86), fill=255)
    face = _blank(picture)
    draw = pencil(face)
    draw.ellipse(sitter.box(0.28 if style in {0, 3} else 0.05, 0.42, 0.82, 0.98), fill=255)
    _paint(picture, ImageChops.subtract(cap, face), hair, sitter.size * 0.35)
