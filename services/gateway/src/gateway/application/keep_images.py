"""Delete images, keep them beyond their time, and take many home at once."""

from collections.abc import Collection, Sequence
from uuid import UUID

from contracts.jobs import DeleteImages, ExportChanged, ExportImages, ImageRef, PinImages
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.domain.asks import Errand, NotFound
from gateway.domain.images import ImageGone, check_image
from gateway.domain.requests import Request

MOST_IMAGES = 1_000


class TooManyImages(Exception):
    """An export holds only so many images."""


async def delete_images(request: Request, numbers: Sequence[int], asking: Asking) -> Asked:
    """Ask jobs to delete images of one job, the request's subject; what is gone already is fine."""

    async def errand(work: Work) -> Errand:
        for n in numbers:
            await _image(work, request, n, gone_is_fine=True)
        return Errand(DeleteImages(**_addressed(request), n=tuple(numbers)))

    return await ask(request, errand, asking)


async def pin_image(request: Request, n: int, asking: Asking, *, pinned: bool) -> Asked:
    """Ask jobs to keep an image beyond its time, or to let it go again."""

    async def errand(work: Work) -> Errand:
        await _image(work, request, n, gone_is_fine=False)
        return Errand(PinImages(**_addressed(request), n=(n,), pinned=pinned))

    return await ask(request, errand, asking)


async def export_images(
    request: Request, images: Sequence[ImageRef], job_ids: Collection[UUID], asking: Asking
) -> Asked:
    """Ask jobs for a zip of images, and of all images of some jobs; its id is the request's subject."""

    async def errand(work: Work) -> Errand:
        wanted = tuple(dict.fromkeys([*images, *await _of_jobs(work, request.team_id, job_ids)]))
        mine = await work.images.known(request.team_id, {image.job_id for image in images})
        if not wanted or any(image.job_id not in mine for image in images):
            raise NotFound("image")
        if len(wanted) > MOST_IMAGES:
            raise TooManyImages
        command = ExportImages(
            request_id=request.id,
            team_id=request.team_id,
            user_id=request.user_id,
            export_id=request.subject,
            images=wanted,
        )
        return Errand(command, exports=(accepted_export(request, len(wanted)),))

    return await ask(request, errand, asking)


def accepted_export(request: Request, images: int) -> ExportChanged:
    """Show an export before jobs knows of it: version 0."""
    return ExportChanged(
        id=request.subject,
        team_id=request.team_id,
        user_id=request.user_id,
        version=0,
        status="accepted",
        images=images,
        created_at=request.created_at,
        updated_at=request.created_at,
    )


async def _of_jobs(work: Work, team_id: UUID, job_ids: Collection[UUID]) -> list[ImageRef]:
    views = await work.views.jobs(team_id, list(job_ids))
    if len(views) < len(job_ids):
        raise NotFound("job")
    results = ((view.job.id, result) for view in views for result in view.job.results)
    return [ImageRef(job_id=job_id, n=result.n) for job_id, result in results if result.key]


async def _image(work: Work, request: Request, n: int, *, gone_is_fine: bool) -> None:
    view = await work.views.job(request.team_id, request.subject)
    try:
        if view is None or check_image(view.job, n) is None:
            raise NotFound("image")
    except ImageGone:
        if not gone_is_fine:
            raise


def _addressed(request: Request) -> dict[str, UUID]:
    return {"request_id": request.id, "team_id": request.team_id, "job_id": request.subject}
