"""Jobs: how far they are, and how to stop them."""

from uuid import UUID

from fastapi import APIRouter, Response

from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.dashboard.visitor import Acting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.application.cancel_job import cancel_job
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind

router = APIRouter()


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
