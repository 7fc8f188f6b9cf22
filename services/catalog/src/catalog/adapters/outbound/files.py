"""The curated collection as it lies in the package: one JSON file a category, one WebP picture a model."""

import json
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, get_args

from catalog.domain.collection import Curated
from contracts.catalog import Category

DATA = files("catalog") / "data"


def collection(data: Traversable = DATA) -> list[Curated]:
    """Read the whole collection; raises when a file or picture is missing or a field is wrong."""
    return [
        _curated(category, written, data)
        for category in get_args(Category)
        for written in json.loads((data / f"{category}.json").read_text("utf-8"))
    ]


def _curated(category: Category, written: dict[str, Any], data: Traversable) -> Curated:
    return Curated(
        slug=written["slug"],
        name=written["name"],
        category=category,
        description=written["description"],
        tags=tuple(written["tags"]),
        prompt_recipe=written["prompt_recipe"],
        negative_prompt=written["negative_prompt"],
        added=date.fromisoformat(written["added"]),
        preview=(data / "previews" / f"{written['slug']}.webp").read_bytes(),
    )
