"""Jobs as `Job` shows them, made of what is stored and without a model in between.

Jobs are read more than all else, while they are made and for ever after; reading them into models of pydantic
and writing those takes twice as long. A test compares the two, byte for byte.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import Response
from pydantic import BaseModel, TypeAdapter

from contracts.jobs import Moment, Progress, Receipt, Result
from contracts.message import Value
from contracts.orders import Recipe, Size
from gateway.adapters.inbound.http.bodies.images import image_fields
from gateway.adapters.inbound.http.bodies.jobs import JobRecipe
from gateway.application.ports import Links
from gateway.application.reading import JobView
from gateway.domain.images import ends_at

Json = dict[str, Any]
_RESULTS = TypeAdapter(tuple[Result, ...])
_GONE = {"key": None, "thumbnail_key": None}


class _Part:
    """One part of a document: its fields in their order, and what those are that an older sender left out."""

    def __init__(self, kind: type[Value], shown: type[BaseModel] | None = None) -> None:
        usual = kind.model_construct().model_dump(mode="json", warnings=False)
        self._fields = [(name, usual.get(name)) for name in (shown or kind).model_fields]

    def of(self, stored: Json) -> Json:
        """Show what is stored of it."""
        return {name: stored.get(name, usual) for name, usual in self._fields}


_RECIPE, _SIZE = _Part(Recipe, JobRecipe), _Part(Size)
_RECEIPT, _PROGRESS, _MOMENT = _Part(Receipt), _Part(Progress), _Part(Moment)


def answer(
    body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with what was shown."""
    return Response(written(body), status, headers, media_type="application/json")


def written(body: Mapping[str, object]) -> bytes:
    """Write as pydantic does."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def show(view: JobView, links: Links) -> Json:
    """Show a job as its owner last described it: keys become links."""
    job: Json = orjson.loads(view.document)
    return {
        "id": job["id"],
        "type": job["operation"],
        "status": job["status"],
        "version": job["version"],
        "quantity": job["quantity"],
        "code": job.get("code"),
        "reason": job.get("reason", ""),
        "position": job.get("position"),
        "progress": _maybe(_PROGRESS, job.get("progress")),
        "model_id": job["recipe"].get("model_id"),
        "recipe": _recipe(job["recipe"]),
        "cost": _cost(view.priced),
        "results": _images(job, links),
        "receipt": _maybe(_RECEIPT, job.get("receipt")),
        "timeline": [_MOMENT.of(moment) for moment in job.get("timeline", ())],
        "created_at": job["created_at"],
        "updated_at": job["updated_at"],
        "expires_at": job.get("expires_at"),
    }


def _maybe(part: _Part, stored: Json | None) -> Json | None:
    return None if stored is None else part.of(stored)


def _recipe(stored: Json) -> Json:
    recipe = _RECIPE.of(stored)
    recipe["size"] = _maybe(_SIZE, recipe["size"])
    return recipe


def _cost(priced: str | None) -> Json | None:
    if priced is None:
        return None
    held = orjson.loads(priced)
    return {"held": held["amount"], "unit_price": held["unit_price"], "price_version": held["price_version"]}


def _images(job: Json, links: Links) -> list[Json]:
    stored = job.get("results", ())
    if not stored:
        return []
    if job["status"] == "expired":  # whatever an old description says of keys
        stored = [result | _GONE for result in stored]
    id_, prompt, expires_at = UUID(job["id"]), job["recipe"].get("prompt", ""), job.get("expires_at")
    until = datetime.fromisoformat(expires_at) if expires_at else None
    return [
        image_fields(result, id_, prompt, ends_at(result, until), links)
        for result in _RESULTS.validate_python(stored)
    ]
