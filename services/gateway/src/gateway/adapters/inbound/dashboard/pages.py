"""Turning what is known into HTML: one environment, everything escaped, a missing value is an error."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.adapters.inbound.dashboard import words
from gateway.adapters.inbound.dashboard.visitor import Visitor

_FOLDER = Path(str(files(__package__)))
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters |= words.FILTERS
_ENVIRONMENT.globals |= words.GLOBALS
_ENVIRONMENT.globals["ui"] = _ENVIRONMENT.get_template("macros.html").module


def page(template: str, visitor: Visitor, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401 - of Jinja
    """Show a page to somebody signed in."""
    return HTMLResponse(html(template, me=visitor, **context), status)


def part(
    template: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,  # noqa: ANN401 - of Jinja
) -> HTMLResponse:
    """Show a part of a page, or a page for anybody."""
    return HTMLResponse(html(template, **context), status, headers)


def html(template: str, **context: Any) -> str:  # noqa: ANN401 - of Jinja
    """Render a template."""
    return _ENVIRONMENT.get_template(template).render(**context)


def asked_in_place(request: Request) -> bool:
    """Tell whether a page asks for a part of itself, rather than a browser for a page."""
    return "hx-request" in request.headers
