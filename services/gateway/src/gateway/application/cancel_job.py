"""Cancel a job."""

from contracts.jobs import TERMINAL, CancelJob
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.domain.asks import Errand, NotFound, TooLate
from gateway.domain.permissions import STOPS, Caller
from gateway.domain.requests import Request


async def cancel_job(request: Request, caller: Caller, asking: Asking) -> Asked:
    """Ask jobs to stop a job; what has been delivered by then is kept and charged, the rest released.

    Raises NotPermitted when the caller may not start jobs of this kind.
    """

    async def errand(work: Work) -> Errand:
        view = await work.views.job(request.team_id, request.subject)
        if view is None:
            raise NotFound("job")
        caller.require(STOPS[view.job.operation])
        if view.job.status in TERMINAL:
            raise TooLate
        return Errand(CancelJob(request_id=request.id, team_id=request.team_id, job_id=request.subject))

    return await ask(request, errand, asking)
