"""Jobs: all of them, one with everything that happened to it, and how to stop it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.cancel_job import cancel_job
from gateway.application.reading import Lines, Page
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind

router = APIRouter()
_SHOWN = 20


@router.get("/jobs")
async def jobs(
    me: Visiting,
    api: Ports,
    status: str = "",
    operation: str = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show the team's jobs, newest first."""
    query = PageQuery(limit=_SHOWN, cursor=cursor)
    found = await api.lists.jobs(
        me.team.id, wanted(query, UUID), status=status or None, operation=operation or None, model_id=None
    )
    shown = page_of(found, query, lambda view: Job.of(view, api.links), lambda view: (str(view.job.id),))
    return page("jobs.html", me, title="Jobs", jobs=shown, given={"status": status, "operation": operation})


@router.get("/jobs/{job_id}")
async def job_page(job_id: UUID, me: Visiting, api: Ports) -> Response:
    """Show a job: what was asked, what happened, what came of it and what it cost."""
    job = await _job(job_id, me.caller, api)
    lines = await api.lists.entries(me.team.id, Page(20), Lines(job_id=job_id))
    return page("job.html", me, title="Job", here="Jobs", job=job, lines=[entry for _, _, entry in lines])


@router.get("/jobs/{job_id}/part")
async def job_part(job_id: UUID, caller: Acting, api: Ports) -> Response:
    """Show a job as it is now."""
    return part("parts/job.html", job=await _job(job_id, caller, api))


@router.delete("/jobs/{job_id}")
async def cancel(job_id: UUID, caller: Acting, api: Ports) -> Response:
    """Cancel a job, and show what that came to."""
    asked = wish(caller, Kind.CANCEL_JOB, api.asking.clock(), fingerprint("cancel", job_id), subject=job_id)
    await cancel_job(asked, caller, api.asking)
    return part("parts/job.html", job=await _job(job_id, caller, api))


async def _job(job_id: UUID, caller: Caller, api: Api) -> Job:
    if (view := await api.views.job(caller.team_id, job_id)) is None:
        raise NotFound("job")
    return Job.of(view, api.links)
