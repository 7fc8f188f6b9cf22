"""Image work with Pillow, in threads beside the event loop (Pillow releases the interpreter meanwhile)."""

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from PIL import Image, ImageOps

from jobs.application.ports import NotAnImage, Picture

FORMATS = ("JPEG", "PNG", "WEBP")
# A small file can unfold to gigabytes: what is larger is refused by its header, before it is decoded.
MAX_PIXELS = 25_000_000
THUMBNAIL = (512, 512)
_WHOLE_TIME = (1980, 1, 1, 0, 0, 0)  # the same pictures make the same archive

T = TypeVar("T")


class PillowImages:
    """Decodes, measures, shrinks and packs images."""

    def __init__(self, workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="images")

    async def inspect(self, data: bytes) -> Picture:
        """Tell what the bytes are, proven by decoding them whole. Raises NotAnImage."""
        return await self._beside(lambda: inspect(data))

    async def inspect_and_shrink(self, data: bytes) -> tuple[Picture, bytes]:
        """Tell what the bytes are, and make a WebP of at most 512 x 512 pixels. Raises NotAnImage."""
        return await self._beside(lambda: inspect_and_shrink(data))

    async def zip(self, images: Sequence[bytes], captions: Sequence[str]) -> bytes:
        """Pack a training archive: each image as `NN.ext`, its caption, if any, as `NN.txt` beside it."""
        return await self._beside(lambda: archive(images, captions))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def inspect(data: bytes) -> Picture:
    """Tell format and size of an image, after decoding every pixel of it."""
    with _opened(data) as image:
        return _decoded(image)


def inspect_and_shrink(data: bytes) -> tuple[Picture, bytes]:
    """Tell format and size of an image, and make a small WebP, upright whatever the camera noted.

    Decoded once; shrunk by whole pixels first, which takes a tenth of the time of weighing each of them.
    """
    with _opened(data) as image:
        picture = _decoded(image)
        image.thumbnail(THUMBNAIL, reducing_gap=1.0)
        upright = ImageOps.exif_transpose(image)
        small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        out = io.BytesIO()
        small.save(out, "WEBP", quality=80, method=2)
        return picture, out.getvalue()


def _decoded(image: Image.Image) -> Picture:
    image.load()
    return Picture(str(image.format).lower(), image.width, image.height)


def archive(images: Sequence[bytes], captions: Sequence[str]) -> bytes:
    """Pack images and their captions; stored, for images do not shrink further."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for n, (data, caption) in enumerate(zip(images, captions, strict=True), start=1):
            packed.writestr(zipfile.ZipInfo(f"{n:02}.{_extension(data)}", _WHOLE_TIME), data)
            if caption:
                packed.writestr(zipfile.ZipInfo(f"{n:02}.txt", _WHOLE_TIME), caption)
    return out.getvalue()


def _extension(data: bytes) -> str:
    with _opened(data) as image:
        return "jpg" if image.format == "JPEG" else str(image.format).lower()


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open an image of a format and size we take; decoders fail in any way they like on hostile bytes."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotAnImage(f"{image.width} x {image.height} pixels are too many")
            yield image
    except NotAnImage:
        raise
    except Exception as error:
        raise NotAnImage(f"cannot be decoded: {error}") from error
