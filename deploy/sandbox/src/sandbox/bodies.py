"""What the control API is sent, read or refused with the reason."""

import json
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

Parsed = TypeVar("Parsed")


async def parsed(request: web.Request, parse: Callable[[bytes], Parsed]) -> Parsed:
    """Return what a body says; one that cannot be read is answered 422."""
    try:
        return parse(await request.read())
    except ValidationError as problem:
        text = problem.json(include_url=False, include_context=False)
    except (ValueError, TypeError) as problem:
        text = json.dumps({"detail": str(problem)})
    raise web.HTTPUnprocessableEntity(text=text, content_type="application/json")
