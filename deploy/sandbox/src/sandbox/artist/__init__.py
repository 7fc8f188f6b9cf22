"""Pictures without a model."""

from io import BytesIO

from PIL import Image


def draw(
    prompt: str, seed: int, width: int, height: int, lora_fingerprints: tuple[str, ...] = ()
) -> Image.Image:
    """Draw."""
    return Image.new("RGB", (width, height), (len(prompt) % 256, seed % 256, len(lora_fingerprints)))


def encode(picture: Image.Image, kind: str) -> bytes:
    """Encode."""
    out = BytesIO()
    picture.save(out, kind)
    return out.getvalue()
