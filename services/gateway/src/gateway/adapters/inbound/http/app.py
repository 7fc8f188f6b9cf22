"""The gateway's HTTP side, put together from its routes."""

from fastapi import FastAPI

from chassis import telemetry
from gateway.adapters.inbound.http import description, docs, problems
from gateway.adapters.inbound.http.api import Api
from gateway.adapters.inbound.http.body_limit import BodyLimit
from gateway.adapters.inbound.http.conditional import Conditional
from gateway.adapters.inbound.http.envelope import Envelope
from gateway.adapters.inbound.http.methods import Methods
from gateway.adapters.inbound.http.routes import (
    api_keys,
    auth,
    billing,
    credits,
    events,
    generate,
    images,
    invitations,
    jobs,
    me,
    models,
    reference_models,
    teams,
    uploads,
    webhook_endpoints,
    webhooks,
)
from gateway.adapters.inbound.http.short_posts import ShortPosts
from gateway.adapters.inbound.http.shortcut import Shortcut

ROUTES = (
    auth,
    me,
    teams,
    invitations,
    api_keys,
    reference_models,
    uploads,
    models,
    generate,
    jobs,
    images,
    credits,
    billing,
    events,
    webhook_endpoints,
    webhooks,
)
PREFIX = "/api"
USUAL_BODY = 64 * 1024
LONGEST_CALLBACK = 1_000_000


def create_app(api: Api | None = None) -> FastAPI:
    """Build the app; without an `api` it can only describe itself."""
    app = description.DescribedApp(
        title=description.TITLE,
        version="1.0.0",
        description=description.ABOUT,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=description.operation_id,
        telemetry=telemetry.NATIVE,
    )
    app.state.api = api
    for routes in ROUTES:
        app.include_router(routes.router, prefix=PREFIX)
    docs.install(app)
    problems.install(app)
    app.add_middleware(Conditional)
    app.add_middleware(
        Methods, prefix=PREFIX, routes=[route for routes in ROUTES for route in routes.router.routes]
    )
    if api:
        app.add_middleware(ShortPosts)
    app.add_middleware(
        BodyLimit,
        usual=USUAL_BODY,
        exceptions=dict.fromkeys(("/api/webhooks/fal", "/api/webhooks/stripe"), LONGEST_CALLBACK),
    )
    if api:
        app.add_middleware(Shortcut)
    app.add_middleware(Envelope)
    return app
