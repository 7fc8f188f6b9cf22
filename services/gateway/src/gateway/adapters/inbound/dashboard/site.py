"""The dashboard: pages made on the server, beside the API and with the same use cases."""

from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import telemetry
from chassis.http import Problem
from gateway.adapters.inbound.dashboard import errors
from gateway.adapters.inbound.dashboard.routes import (
    account,
    api_keys,
    billing,
    credits,
    gallery,
    generate,
    invitations,
    jobs,
    letters,
    live,
    models,
    people,
    team,
    uploads,
    webhooks,
)
from gateway.adapters.inbound.dashboard.visitor import NotSignedIn
from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.body_limit import BodyLimit
from gateway.adapters.inbound.http.envelope import Envelope
from gateway.adapters.inbound.http.problems import PROBLEMS
from gateway.application.ports import Links

ROUTES = (
    people,
    letters,
    generate,
    models,
    jobs,
    gallery,
    credits,
    billing,
    invitations,
    team,
    account,
    api_keys,
    webhooks,
    uploads,
    live,
)
NOT_PAGES = ("/api/", "/docs", "/openapi.json", "/health/", "/metrics")
LARGEST_FORM = 64 * 1024


def create_site(api: Api | None) -> FastAPI:
    """Build the dashboard as an app of its own: its errors are pages, and no API describes it."""
    site = FastAPI(openapi_url=None, telemetry=telemetry.NATIVE)
    site.state.api = api
    for routes in ROUTES:
        site.include_router(routes.router)
    site.mount("/static", StaticFiles(directory=Path(str(files(__package__))) / "static"))
    for kind in (*PROBLEMS, Problem, HTTPException, RequestValidationError):
        site.add_exception_handler(kind, errors.told(kind))
    site.add_exception_handler(NotSignedIn, errors.sign_in_first)
    site.add_middleware(BodyLimit, usual=LARGEST_FORM, exceptions={})
    site.add_middleware(Secured, images=_bucket(api.links) if api else "")
    site.add_middleware(Envelope, prefix="/", failed=errors.show)
    return site


def _bucket(links: Links) -> str:
    """Tell where images come from, and where uploads go: one place, unless CloudFront is between."""
    put = links.upload("uploads/", "image/png", 1).url
    return " ".join(sorted({_origin(links.read("images/")), _origin(put)}))


def _origin(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


class Doorway:
    """Lets in by the address: pages to the dashboard, everything else to the API."""

    def __init__(self, app: ASGIApp, site: ASGIApp) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        page = scope["type"] == "http" and not scope["path"].startswith(NOT_PAGES)
        await (self._site if page else self._app)(scope, receive, send)


class Secured:
    """Adds what keeps a page to itself: nothing inline, no other host but the bucket, no frame around it."""

    def __init__(self, app: ASGIApp, images: str) -> None:
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "font-src": "'self'",
            "img-src": f"'self' data: blob: {images}".strip(),
            "connect-src": f"'self' {images}".strip(),
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }
        self._app = app
        self._headers = {
            "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._raw(scope)]
            await send(message)

        await self._app(scope, receive, answered)

    def _raw(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        headers = dict(self._headers)
        if scope["path"].startswith("/static/"):
            headers["cache-control"] = "public, max-age=3600"
        return [(name.encode(), value.encode()) for name, value in headers.items()]
