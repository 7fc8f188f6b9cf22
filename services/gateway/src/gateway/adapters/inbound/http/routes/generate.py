"""Generating images."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from contracts.orders import Operation
from gateway.adapters.inbound.http import shown_jobs
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.generate import GenerateBody, Generating
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.caller import (
    Generator,
    IdempotencyKey,
    Reader,
    fingerprint,
    replayed,
    spending,
    wish,
)
from gateway.adapters.inbound.http.shown_jobs import show
from gateway.application.ask import Asked, taken_back
from gateway.application.ask_generate import ask_generate
from gateway.application.reading import Sources
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind

router = APIRouter(tags=["generate"])


@router.post("/generate", status_code=202, response_model=Generating, name="generate")
async def post_generate(
    body: GenerateBody, caller: Generator, request: Request, api: Ports, key: IdempotencyKey = None
) -> Response:
    """Generate images; the answer comes when their credits are held, or known to be lacking."""
    return await generate(body, caller, request, api, key, api.views)


async def generate(
    body: GenerateBody, caller: Caller, request: Request, api: Api, key: str | None, sources: Sources
) -> Response:
    """Ask for what a body wants; `sources` is where its model is looked up."""
    recipes, hashed = body.recipes(), fingerprint("generate", body)
    asked = wish(caller, Kind.GENERATE, api.asking.clock(), hashed, key, jobs=len(recipes))
    who = spending(caller, body.max_credits, body.quote_id)
    answer = await ask_generate(asked, recipes, body.count, who, api.asking, sources)
    return await generating(answer, request, api, f"/api/generate/{answer.request.jobs[0]}")


async def generating(asked: Asked, request: Request, api: Api, location: str | None = None) -> Response:
    """Show the jobs that were asked for."""
    views = await api.views.jobs(asked.request.team_id, asked.request.jobs)
    if len(views) < len(asked.request.jobs):
        raise await taken_back(asked, api.asking) or NotFound("job")
    replayed(request, again=asked.replayed)
    shown = {"request_id": str(asked.request.id), "jobs": [show(view, api.links) for view in views]}
    return shown_jobs.answer(shown, 202, {"Location": location} if location else None)


@router.get("/generate/{job_id}", name="get_generation", response_model=Job)
async def get_generation(job_id: Annotated[UUID, Path()], caller: Reader, api: Ports) -> Response:
    """Show one generation: its status, progress and, in the end, its images."""
    view = await api.views.job(caller.team_id, job_id)
    shown = show(view, api.links) if view else None
    if shown is None or shown["type"] != Operation.GENERATE_IMAGES:
        raise NotFound("job")
    return shown_jobs.answer(shown)
