"""Jobs of every kind."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from contracts.jobs import TERMINAL, JobStatus
from contracts.orders import Operation
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.caller import Maker, Reader, fingerprint, wish
from gateway.adapters.inbound.http.description import also, problems
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.cancel_job import cancel_job
from gateway.application.reading import JobView
from gateway.domain.asks import NotFound
from gateway.domain.requests import Kind

router = APIRouter(tags=["jobs"])
Id = Annotated[UUID, Path(alias="id")]


class JobQuery(PageQuery):
    """Which jobs are wanted; `model` is the id of a model of the team."""

    status: JobStatus | None = None
    type: Operation | None = None
    model: UUID | None = None


@router.get("/jobs", responses=problems(400), name="list_jobs")
async def get_jobs(query: Annotated[JobQuery, Query()], caller: Reader, api: Ports) -> PageOf[Job]:
    """List the team's jobs, newest first."""
    found = await api.lists.jobs(
        caller.team_id, wanted(query, UUID), status=query.status, operation=query.type, model_id=query.model
    )

    def show(view: JobView) -> Job:
        return Job.of(view, api.links)

    return page_of(found, query, show, lambda view: (str(view.job.id),))


@router.get("/jobs/{id}", responses=problems(404), name="get_job")
async def get_job(job_id: Id, caller: Reader, api: Ports) -> Job:
    """Show one job with its timeline and receipt."""
    if (view := await api.views.job(caller.team_id, job_id)) is None:
        raise NotFound("job")
    return Job.of(view, api.links)


@router.delete(
    "/jobs/{id}",
    responses=also(202, "Cancelling: what is delivered meanwhile is kept and charged", model=Job)
    | problems(404, 409),
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
