"""Jobs of every kind."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from contracts.jobs import TERMINAL, JobStatus
from contracts.orders import Operation
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import Moment, PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.generate import Generating
from gateway.adapters.inbound.http.bodies.images import RegenerateBody
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.caller import (
    Generator,
    IdempotencyKey,
    Maker,
    Reader,
    fingerprint,
    spending,
    wish,
)
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import part_of, wanted
from gateway.adapters.inbound.http.routes.generate import generating
from gateway.adapters.inbound.http.shown_jobs import answer, show
from gateway.application.ask_generate import regenerate
from gateway.application.cancel_job import cancel_job
from gateway.domain.asks import NotFound
from gateway.domain.requests import Kind

router = APIRouter(tags=["jobs"])
Id = Annotated[UUID, Path(alias="id")]


class JobQuery(PageQuery):
    """Which jobs are wanted; `model` is the id of a model of the team; made from `from` on, before `to`."""

    status: JobStatus | None = None
    type: Operation | None = None
    model: UUID | None = None
    since: Moment | None = Field(default=None, alias="from")
    before: Moment | None = Field(default=None, alias="to")


@router.get("/jobs", name="list_jobs", response_model=PageOf[Job])
async def get_jobs(query: Annotated[JobQuery, Query()], caller: Reader, api: Ports) -> Response:
    """List the team's jobs, newest first."""
    found = await api.lists.jobs(
        caller.team_id,
        wanted(query, UUID),
        status=query.status,
        operation=query.type,
        model_id=query.model,
        since=query.since,
        before=query.before,
    )
    shown, more = part_of(found, query, lambda view: (str(view.job.id),))
    return answer({"data": [show(view, api.links) for view in shown], "next_cursor": more})


@router.get("/jobs/{id}", name="get_job", response_model=Job)
async def get_job(job_id: Id, caller: Reader, api: Ports) -> Response:
    """Show one job with its timeline and receipt."""
    if (view := await api.views.job(caller.team_id, job_id)) is None:
        raise NotFound("job")
    return answer(show(view, api.links))


@router.delete(
    "/jobs/{id}",
    responses=also(202, "Cancelling: what is delivered meanwhile is kept and charged", model=Job),
    name="cancel_job",
)
async def delete_job(job_id: Id, caller: Maker, response: Response, api: Ports) -> Job:
    """Cancel a job; what was not delivered is not charged."""
    asked = wish(caller, Kind.CANCEL_JOB, api.asking.clock(), fingerprint("cancel", job_id), subject=job_id)
    await cancel_job(asked, caller, api.asking)
    if (view := await api.views.job(caller.team_id, job_id)) is None:
        raise NotFound("job")
    response.status_code = 200 if view.job.status in TERMINAL else 202
    return Job.of(view, api.links)


@router.post("/jobs/{id}/regenerate", status_code=202, response_model=Generating, name="regenerate")
async def post_regeneration(
    job_id: Id,
    body: RegenerateBody,
    caller: Generator,
    request: Request,
    api: Ports,
    key: IdempotencyKey = None,
) -> Response:
    """Make a job's images again from its recipe, also when they have expired: a job of its own, paid anew."""
    hashed, now = fingerprint("regenerate", job_id, body), api.asking.clock()
    asked = wish(caller, Kind.GENERATE, now, hashed, key, jobs=1)
    who = spending(caller, body.max_credits, body.quote_id)
    answered = await regenerate(asked, job_id, who, api.asking, new_seed=body.new_seed)
    return await generating(answered, request, api, f"/api/generate/{answered.request.jobs[0]}")
