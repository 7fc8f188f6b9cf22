import asyncio
import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image, ImageChops

from jobs.adapters.outbound.images import PillowImages
from jobs.application.ports import NotAnImage, Picture


@pytest.fixture
async def images():
    images = PillowImages()
    yield images
    images.close()


def encoded(kind: str, size=(640, 480), mode="RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind, **options)
    return out.getvalue()


async def shrunk(images: PillowImages, data: bytes) -> bytes:
    _, small = await images.inspect_and_shrink(data)
    return small


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")])
async def test_an_image_is_known_by_its_content(images, kind, name):
    assert await images.inspect(encoded(kind)) == Picture(name, 640, 480)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"\x89PNG\r\n\x1a\n",
        encoded("GIF"),
        encoded("JPEG")[:-2000],
        encoded("PNG")[:5000],
        encoded("WEBP")[:5000],
    ],
    ids=["nothing", "a page", "a PNG's head alone", "a GIF", "half a JPEG", "half a PNG", "half a WebP"],
)
async def test_what_cannot_be_decoded_whole_is_not_an_image(images, data):
    with pytest.raises(NotAnImage):
        await images.inspect(data)
    if data:
        with pytest.raises(NotAnImage):
            await shrunk(images, data)


@pytest.mark.parametrize("size", [(7_000, 7_000), (11_000, 11_000), (60_000, 60_000)])
async def test_a_small_file_that_unfolds_to_a_huge_image_is_refused_before_it_does(images, size):
    with pytest.raises(NotAnImage):
        await images.inspect(bomb(*size))
    with pytest.raises(NotAnImage):
        await shrunk(images, bomb(*size))


async def test_a_thumbnail_is_a_webp_of_at_most_512_pixels_in_the_same_proportions(images):
    small = await shrunk(images, encoded("JPEG", (1024, 768)))
    assert await images.inspect(small) == Picture("webp", 512, 384)


async def test_what_is_told_of_an_image_is_what_it_was_before_it_was_shrunk(images):
    picture, _ = await images.inspect_and_shrink(encoded("JPEG", (1024, 768)))
    assert picture == Picture("jpeg", 1024, 768)


@pytest.mark.parametrize("size", [(1024, 1024), (1536, 1024), (700, 1999)])
async def test_a_thumbnail_shows_what_the_image_shows(images, size):
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG")
    with Image.open(io.BytesIO(await shrunk(images, out.getvalue()))) as small:
        apart = ImageChops.difference(small.convert("L"), image.convert("L").resize(small.size))
        assert apart.getextrema()[1] <= 12


async def test_a_small_image_is_not_blown_up(images):
    small = await shrunk(images, encoded("PNG", (64, 48)))
    assert await images.inspect(small) == Picture("webp", 64, 48)


async def test_a_thumbnail_keeps_transparency(images):
    with Image.open(io.BytesIO(await shrunk(images, encoded("PNG", mode="RGBA")))) as small:
        assert small.mode in {"RGBA", "RGB"}  # an opaque alpha channel may be left out
    see_through = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 128)).save(see_through, "PNG")
    with Image.open(io.BytesIO(await shrunk(images, see_through.getvalue()))) as small:
        assert small.mode == "RGBA"


async def test_a_thumbnail_stands_upright(images):
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    small = await shrunk(images, encoded("JPEG", (1000, 500), exif=turned))
    assert await images.inspect(small) == Picture("webp", 256, 512)


async def test_an_archive_holds_each_image_with_its_caption_beside_it(images):
    first, second = encoded("JPEG"), encoded("PNG")
    packed = await images.zip([first, second], ["a red chair", ""])
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["01.jpg", "01.txt", "02.png"]
        assert archive.read("01.jpg") == first
        assert archive.read("01.txt") == b"a red chair"
    assert await images.zip([first, second], ["a red chair", ""]) == packed


async def test_an_archive_takes_images_only(images):
    with pytest.raises(NotAnImage):
        await images.zip([b"not an image"], [""])


async def test_the_loop_stays_free_meanwhile(images):
    big = encoded("PNG", (2048, 2048))
    work = asyncio.gather(*(shrunk(images, big) for _ in range(4)))
    longest, last = 0.0, asyncio.get_running_loop().time()
    while not work.done():
        await asyncio.sleep(0.005)
        now = asyncio.get_running_loop().time()
        longest, last = max(longest, now - last), now
    await work
    assert longest < 0.6
