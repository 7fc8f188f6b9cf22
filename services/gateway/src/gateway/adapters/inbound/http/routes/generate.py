"""Generating images."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from contracts.orders import Operation
from gateway.adapters.inbound.http.api import Ports
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
from gateway.adapters.inbound.http.description import ASKING, problems
from gateway.application.ask_generate import ask_generate
from gateway.domain.asks import NotFound
from gateway.domain.requests import Kind

router = APIRouter(tags=["generate"])


@router.post("/generate", status_code=202, responses=ASKING, name="generate")
async def post_generate(
    body: GenerateBody,
    caller: Generator,
    request: Request,
    response: Response,
    api: Ports,
    key: IdempotencyKey = None,
) -> Generating:
    """Generate images; the answer comes when their credits are held, or known to be lacking."""
    asked = wish(caller, Kind.GENERATE, api.asking.clock(), fingerprint("generate", body), key, jobs=1)
    who = spending(caller, body.max_credits, body.quote_id)
    answer = await ask_generate(asked, body.recipe(), body.count, who, api.asking)
    views = [await api.views.job(caller.team_id, job_id) for job_id in answer.request.jobs]
    replayed(request, again=answer.replayed)
    response.headers["Location"] = f"/api/generate/{answer.request.jobs[0]}"
    jobs = [Job.of(view, api.links) for view in views if view]
    return Generating(request_id=answer.request.id, jobs=jobs)


@router.get("/generate/{job_id}", responses=problems(404), name="get_generation")
async def get_generation(job_id: Annotated[UUID, Path()], caller: Reader, api: Ports) -> Job:
    """Show one generation: its status, progress and, in the end, its images."""
    view = await api.views.job(caller.team_id, job_id)
    if view is None or view.job.operation is not Operation.GENERATE_IMAGES:
        raise NotFound("job")
    return Job.of(view, api.links)
