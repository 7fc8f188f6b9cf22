#!/usr/bin/env python
"""Draws the previews of the curated collection with the sandbox's artist.

Run by hand after a recipe has changed: `python services/catalog/tools/draw_previews.py [slug ...]`.
"""

import json
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from sandbox.artist import draw

DATA = Path(__file__).parent.parent / "src" / "catalog" / "data"
SIZE = (512, 640)
LIMIT = 26 * 1024
QUALITIES = (82, 74, 66, 58, 50, 40, 30)


def main(wanted: set[str]) -> None:
    """Draw the wanted previews, or all of them."""
    for file in sorted(DATA.glob("*.json")):
        for written in json.loads(file.read_text("utf-8")):
            if not wanted or written["slug"] in wanted:
                target = DATA / "previews" / f"{written['slug']}.webp"
                target.write_bytes(small_enough(picture(file.stem, written)))


def picture(category: str, written: dict[str, str]) -> Image.Image:
    """Draw the model's cover in the colours of its category; the seed follows from the slug."""
    prompt = f"{category}: {written['cover']}"
    seed = int.from_bytes(sha256(written["slug"].encode()).digest()[:4], "big")
    return draw(prompt, seed, *SIZE)


def small_enough(drawn: Image.Image) -> bytes:
    """Encode as WebP in the best quality that keeps the file within the limit."""
    encoded = b""
    for quality in QUALITIES:
        buffer = BytesIO()
        drawn.save(buffer, "WEBP", quality=quality, method=6)
        encoded = buffer.getvalue()
        if len(encoded) <= LIMIT:
            break
    return encoded


if __name__ == "__main__":
    main(set(sys.argv[1:]))
