"""What the control API is sent, read or refused with the reason."""

import json
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

Parsed = TypeVar("Parsed")
Model = TypeVar("Model", bound=BaseModel)


async def parsed(request: web.Request, parse: Callable[[bytes], Parsed]) -> Parsed:
    """Return what a body says; one that cannot be read is answered 422."""
    try:
        return parse(await request.read())
    except ValidationError as problem:
        text = problem.json(include_url=False, include_context=False)
    except (ValueError, TypeError) as problem:
        text = json.dumps({"detail": str(problem)})
    raise web.HTTPUnprocessableEntity(text=text, content_type="application/json")


async def changed(request: web.Request, before: Model) -> Model:
    """Return what is after a body has changed what it names and left the rest."""
    known = before.model_dump()
    return await parsed(request, lambda body: type(before).model_validate(known | json.loads(body)))


def shown(model: BaseModel) -> web.Response:
    """Answer with what is set."""
    return web.json_response(model.model_dump())
