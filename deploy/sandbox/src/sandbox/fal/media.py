"""The files behind `/files/...`: pictures, drawn again when they fell out of the cache, and weights."""

import asyncio
import hashlib
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from io import BytesIO

from PIL import Image

from sandbox import artist

CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "json": "application/json",
    "safetensors": "application/octet-stream",
    "zip": "application/zip",
}
_EXTENSIONS = {"jpeg": "jpg"}
_RECIPES = 100_000


@dataclass(frozen=True)
class Recipe:
    """All that a picture depends on."""

    prompt: str
    seed: int
    width: int
    height: int
    loras: tuple[str, ...] = ()
    format: str = "jpeg"
    black: bool = False  # what the safety checker leaves of an unsafe picture
    start: str | None = None  # name of the kept picture it starts from, with the strength of the change
    strength: float = 1.0

    def name(self) -> str:
        """Return the file name: the same picture has the same address."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]
        return f"{digest}.{_EXTENSIONS.get(self.format, self.format)}"


class Media:
    """Keeps files under names made of their content, pictures within a limit of bytes."""

    def __init__(self, pool: ThreadPoolExecutor, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._size = 0
        self._kept: dict[str, bytes] = {}
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._recipes: OrderedDict[str, Recipe] = OrderedDict()
        self._drawing: dict[str, asyncio.Task[bytes]] = {}

    def keep(self, content: bytes, extension: str) -> str:
        """Keep a file until `forget`; returns its name."""
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.{extension}"
        self._kept[name] = content
        return name

    async def picture(self, recipe: Recipe) -> tuple[str, int]:
        """Have a picture drawn; returns its name and its size in bytes."""
        name = recipe.name()
        self._recipes[name] = recipe
        if len(self._recipes) > _RECIPES:
            self._recipes.popitem(last=False)
        return name, len(await self._drawn(name, recipe))

    async def get(self, name: str) -> bytes | None:
        """Return a file, or nothing when there is none of that name."""
        if name in self._kept:
            return self._kept[name]
        recipe = self._recipes.get(name)
        return None if recipe is None else await self._drawn(name, recipe)

    def forget(self) -> None:
        """Lose every file, as the provider does when a lifetime has passed."""
        self._kept.clear()
        self._cache.clear()
        self._recipes.clear()
        self._size = 0

    async def _drawn(self, name: str, recipe: Recipe) -> bytes:
        if (cached := self._cache.get(name)) is not None:
            self._cache.move_to_end(name)
            return cached
        if (task := self._drawing.get(name)) is None:
            start = self._kept.get(recipe.start) if recipe.start else None
            task = asyncio.ensure_future(self._draw(name, recipe, start))
            self._drawing[name] = task
            task.add_done_callback(lambda _: self._drawing.pop(name, None))
        # Shielded: others may be waiting for the same picture.
        return await asyncio.shield(task)

    async def _draw(self, name: str, recipe: Recipe, start: bytes | None) -> bytes:
        content = await asyncio.get_running_loop().run_in_executor(self._pool, paint, recipe, start)
        self._cache[name] = content
        self._size += len(content)
        while self._size > self._limit:
            self._size -= len(self._cache.popitem(last=False)[1])
        return content


def paint(recipe: Recipe, start: bytes | None = None) -> bytes:
    """Draw a recipe and encode it; slow, for a worker thread."""
    size = (recipe.width, recipe.height)
    if recipe.black:
        return artist.encode(Image.new("RGB", size), recipe.format)
    picture = artist.draw(recipe.prompt, recipe.seed, *size, lora_fingerprints=recipe.loras)
    if start is not None:
        with Image.open(BytesIO(start)) as first:
            picture = Image.blend(first.convert("RGB").resize(size), picture, recipe.strength)
    return artist.encode(picture, recipe.format)
