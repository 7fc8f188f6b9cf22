"""The endpoints that train weights on an archive of pictures."""

import asyncio
import hashlib
import json
import zipfile
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from sandbox.fal import weights
from sandbox.fal.inputs import FastTraining, PortraitTraining
from sandbox.fal.media import CONTENT_TYPES
from sandbox.fal.outcomes import Outcome, model_error
from sandbox.fal.records import Submit
from sandbox.fal.studio import Studio

_FEWEST = 4
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_ARCHIVE = ("body", "images_data_url")
_CHECKPOINT = ("body", "resume_from_checkpoint")
_LARGEST_MEMBER = 64 * 1024 * 1024


async def train(submit: Submit, wanted: FastTraining | PortraitTraining, studio: Studio) -> Outcome:
    """Make weights out of the archive, the trigger and, when resuming, the weights before."""
    archive = await studio.fetcher.fetch(wanted.images_data_url, *_ARCHIVE)
    loop = asyncio.get_running_loop()
    pictures = await loop.run_in_executor(studio.pool, _inspect, archive)
    parent = await _parent(wanted.checkpoint(), studio)
    recipe = {
        "endpoint": submit.endpoint,
        "trigger_phrase": wanted.phrase(),
        "steps": wanted.steps,
        "images": len(pictures),
        "images_sha256": hashlib.sha256("".join(pictures).encode()).hexdigest(),
        "parent": parent.fingerprint if parent else None,
    }
    trained = weights.make(recipe, parent.family if parent else None)
    config = json.dumps(recipe | {"resolution": 512, "lora_rank": 4}, indent=2).encode()
    body = {
        "diffusers_lora_file": _file(trained, "safetensors", "pytorch_lora_weights", submit, studio),
        "config_file": _file(config, "json", "config", submit, studio),
    }
    return Outcome(200, body, units=wanted.steps)


def _file(content: bytes, extension: str, title: str, submit: Submit, studio: Studio) -> dict[str, Any]:
    name = studio.media.keep(content, extension)
    return {
        "url": f"{submit.base_url}/files/{name}",
        "content_type": CONTENT_TYPES[extension],
        "file_name": f"{title}.{extension}",
        "file_size": len(content),
    }


async def _parent(url: str, studio: Studio) -> weights.Weights | None:
    if not url:
        return None
    try:
        return weights.read(await studio.fetcher.fetch(url, *_CHECKPOINT))
    except weights.NotSafetensors as reason:
        raise model_error("file_download_error", f"Not a checkpoint: {reason}", *_CHECKPOINT) from reason


def _inspect(archive: bytes) -> list[str]:
    """Return the digests of the pictures in the archive; raises ModelError when it cannot be trained on."""
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            names = [name for name in sorted(opened.namelist()) if _is_picture(name)]
            digests = [_digest(opened, name) for name in names]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as reason:
        raise model_error("invalid_archive", "The archive is not a readable zip file", *_ARCHIVE) from reason
    if len(digests) < _FEWEST:
        raise model_error(
            "archive_file_count_below_minimum",
            f"The archive holds {len(digests)} images, at least {_FEWEST} are needed",
            *_ARCHIVE,
            min_count=_FEWEST,
            provided_count=len(digests),
            supported_extensions=list(_PICTURES),
        )
    return digests


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_PICTURES) and "_mask." not in name and not name.startswith("__MACOSX/")


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _LARGEST_MEMBER:
        raise model_error("file_too_large", f"{name} is too large", *_ARCHIVE, max_size=_LARGEST_MEMBER)
    content = archive.read(name)
    try:
        with Image.open(BytesIO(content)) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as reason:
        raise model_error("image_load_error", f"Failed to load {name}", *_ARCHIVE) from reason
    return hashlib.sha256(content).hexdigest()
