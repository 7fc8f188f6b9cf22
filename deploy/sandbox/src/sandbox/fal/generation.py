"""The endpoints that make pictures."""

import hashlib
import secrets
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from sandbox.fal import weights
from sandbox.fal.inputs import Lora, LoraImageToImage, LoraTextToImage, TextToImage
from sandbox.fal.media import CONTENT_TYPES, Recipe
from sandbox.fal.outcomes import Outcome, model_error
from sandbox.fal.records import Submit
from sandbox.fal.studio import Studio


async def generate(submit: Submit, wanted: TextToImage, studio: Studio) -> Outcome:
    """Draw the pictures of a request; the seed decides all of them."""
    seed = secrets.randbits(63) if wanted.seed is None else wanted.seed
    recipes = await _recipes(wanted, seed, studio)
    unsafe = _unsafe(submit, len(recipes))
    recipes = [_blackened(recipe) if n in unsafe else recipe for n, recipe in enumerate(recipes)]
    if (fewer := submit.fault("fewer_images")) is not None:
        recipes = recipes[: int(fewer.get("count", len(recipes) - 1))]
    images = [await _image(recipe, submit.base_url, studio) for recipe in recipes]
    units = sum(recipe.width * recipe.height for recipe in recipes) / 1e6
    body = {
        "images": images,
        "timings": {"inference": studio.timing.image_seconds},
        "seed": seed,
        "has_nsfw_concepts": [n in unsafe for n in range(len(recipes))],
        "prompt": wanted.prompt,
    }
    return Outcome(200, body, units=round(units, 4))


async def _recipes(wanted: TextToImage, seed: int, studio: Studio) -> list[Recipe]:
    loras: tuple[str, ...] = ()
    start, strength = None, 1.0
    if isinstance(wanted, LoraTextToImage):
        loras = tuple([await _fingerprint(lora, n, studio) for n, lora in enumerate(wanted.loras)])
    if isinstance(wanted, LoraImageToImage):
        start, strength = await _start(wanted.image_url, studio), wanted.strength
    tiny = studio.timing.tiny_images
    width, height = (tiny, tiny) if tiny else wanted.size()
    return [
        Recipe(wanted.prompt, own, width, height, loras, wanted.output_format, start=start, strength=strength)
        for own in (_nth_seed(seed, n) for n in range(wanted.num_images))
    ]


def _nth_seed(seed: int, n: int) -> int:
    """Return the seed of one picture: the first has the seed itself, the others differ."""
    if n == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{n}".encode()).digest()[:8], "big")


async def _fingerprint(lora: Lora, n: int, studio: Studio) -> str:
    loc = ("body", "loras", str(n), "path")
    try:
        found = weights.read(await studio.fetcher.fetch(lora.path, *loc))
    except weights.NotSafetensors as reason:
        raise model_error("file_download_error", f"Not a safetensors file: {reason}", *loc) from reason
    return f"{found.fingerprint}@{lora.scale:g}"


async def _start(url: str, studio: Studio) -> str:
    """Keep the picture to start from; returns its name."""
    content = await studio.fetcher.fetch(url, "body", "image_url")
    try:
        with Image.open(BytesIO(content)) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as reason:
        raise model_error("image_load_error", "Failed to load the image", "body", "image_url") from reason
    return studio.media.keep(content, "start")


def _unsafe(submit: Submit, count: int) -> set[int]:
    """Which pictures the safety checker blackens: those a fault names, or all of them."""
    fault = submit.fault("unsafe")
    return set() if fault is None else set(fault.get("images", range(count)))


def _blackened(recipe: Recipe) -> Recipe:
    return Recipe("", 0, recipe.width, recipe.height, format=recipe.format, black=True)


async def _image(recipe: Recipe, base_url: str, studio: Studio) -> dict[str, object]:
    name, size = await studio.media.picture(recipe)
    return {
        "url": f"{base_url}/files/{name}",
        "width": recipe.width,
        "height": recipe.height,
        "content_type": CONTENT_TYPES[name.rpartition(".")[2]],
        "file_name": name,
        "file_size": size,
    }
