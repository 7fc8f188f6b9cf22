"""The gallery: images of all jobs, deleted, pinned, taken home."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from contracts.jobs import ImageRef
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.images import (
    DeleteImagesBody,
    Deletion,
    Deletions,
    Export,
    ExportBody,
    GalleryItem,
    Image,
    ImageId,
)
from gateway.adapters.inbound.http.caller import (
    Generator,
    IdempotencyKey,
    Reader,
    fingerprint,
    replayed,
    wish,
)
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.ask import Asked, Declined
from gateway.application.gallery import GalleryImage, Shown
from gateway.application.keep_images import delete_images, export_images, pin_image
from gateway.domain.asks import NotFound
from gateway.domain.images import ends_at, image_id, image_ref
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter(tags=["images"])
SOON = timedelta(days=7)
JOBS_AT_ONCE = 8
Id = Annotated[ImageId, Path(alias="id")]
CHANGING = also(202, "Accepted: the image as it is until its owner answers", model=Image)


class GalleryQuery(PageQuery):
    """Which images are wanted: of a model, of a job, pinned or not, those that expire within a week."""

    model: UUID | None = None
    job: UUID | None = None
    pinned: bool | None = None
    expiring: bool = False


@router.get("/images", name="list_images")
async def get_images(
    query: Annotated[GalleryQuery, Query()], caller: Reader, api: Ports
) -> PageOf[GalleryItem]:
    """List the team's images that are there, newest first."""
    now = api.asking.clock()
    shown = Shown(query.model, query.job, query.pinned, now + SOON if query.expiring else None)
    found = await api.gallery.images(caller.team_id, wanted(query, UUID, int), shown, now)

    def show(image: GalleryImage) -> GalleryItem:
        return GalleryItem.shown(image, api.links)

    return page_of(found, query, show, lambda image: (str(image.job_id), image.result.n))


@router.delete("/images/{id}", responses=CHANGING, name="delete_image")
async def delete_image(id_: Id, caller: Generator, response: Response, api: Ports) -> Image:
    """Delete an image and its thumbnail for good; what it cost is not given back."""
    image = image_ref(id_)
    asked = _changing(caller, api, fingerprint("delete image", id_), image.job_id)
    return await _changed(await delete_images(asked, [image.n], api.asking), image, response, api)


@router.post("/images/delete", name="delete_images")
async def post_deletion(body: DeleteImagesBody, caller: Generator, api: Ports) -> Deletions:
    """Delete many images; tells what became of each."""
    by_job = groupby(sorted({image_ref(id_) for id_ in body.images}, key=_place), lambda ref: ref.job_id)
    turns = asyncio.Semaphore(JOBS_AT_ONCE)

    async def delete(job_id: UUID, numbers: Sequence[int]) -> list[Deletion]:
        async with turns:
            return await _delete(job_id, numbers, caller, api)

    jobs = [delete(job_id, [ref.n for ref in refs]) for job_id, refs in by_job]
    done = {one.id: one for some in await asyncio.gather(*jobs) for one in some}
    return Deletions(data=[done[id_] for id_ in dict.fromkeys(body.images)])


@router.post("/images/{id}/pin", responses=CHANGING, name="pin_image")
async def post_pin(id_: Id, caller: Generator, response: Response, api: Ports) -> Image:
    """Keep an image beyond its time, until it is let go or deleted; plans say who may (403 `not_allowed`)."""
    return await _pin(id_, caller, response, api, pinned=True)


@router.delete("/images/{id}/pin", responses=CHANGING, name="unpin_image")
async def delete_pin(id_: Id, caller: Generator, response: Response, api: Ports) -> Image:
    """Let an image expire again, as long from now as a new one is kept."""
    return await _pin(id_, caller, response, api, pinned=False)


@router.post("/images/export", status_code=202, name="export_images")
async def post_export(
    body: ExportBody,
    caller: Generator,
    request: Request,
    response: Response,
    api: Ports,
    key: IdempotencyKey = None,
) -> Export:
    """Pack images into one zip with a manifest: look at the export until it is completed."""
    asked = wish(caller, Kind.EXPORT, api.asking.clock(), fingerprint("export", body), key)
    images = [image_ref(id_) for id_ in body.images]
    answer = await export_images(asked, images, dict.fromkeys(body.jobs), api.asking)
    replayed(request, again=answer.replayed)
    if (export := await api.gallery.export(caller.team_id, answer.request.subject)) is None:
        raise NotFound("export")
    response.headers["Location"] = f"/api/exports/{export.id}"
    return Export.of(export, api.links)


@router.get("/exports", name="list_exports")
async def get_exports(query: Annotated[PageQuery, Query()], caller: Reader, api: Ports) -> PageOf[Export]:
    """List the team's exports, newest first."""
    found = await api.gallery.exports(caller.team_id, wanted(query, UUID))
    return page_of(
        found, query, lambda export: Export.of(export, api.links), lambda export: (str(export.id),)
    )


@router.get("/exports/{id}", name="get_export")
async def get_export(id_: Annotated[UUID, Path(alias="id")], caller: Reader, api: Ports) -> Export:
    """Show how far an export is and, when it is completed, where it is."""
    if (export := await api.gallery.export(caller.team_id, id_)) is None:
        raise NotFound("export")
    return Export.of(export, api.links)


async def _pin(id_: str, caller: Caller, response: Response, api: Api, *, pinned: bool) -> Image:
    image = image_ref(id_)
    asked = _changing(caller, api, fingerprint("pin", id_, pinned), image.job_id)
    return await _changed(await pin_image(asked, image.n, api.asking, pinned=pinned), image, response, api)


async def _delete(job_id: UUID, numbers: Sequence[int], caller: Caller, api: Api) -> list[Deletion]:
    ids = [image_id(job_id, n) for n in numbers]
    asked = _changing(caller, api, fingerprint("delete images", *ids), job_id)
    try:
        done = await delete_images(asked, numbers, api.asking)
    except NotFound as error:
        code, detail = f"{error.what}_not_found", str(error)
    except Declined as error:
        code, detail = error.verdict.code, str(error)
    else:
        return [Deletion(id=id_, status="deleted" if done.granted else "accepted") for id_ in ids]
    return [Deletion(id=id_, status="refused", code=code, detail=detail) for id_ in ids]


def _place(ref: ImageRef) -> tuple[UUID, int]:
    return ref.job_id, ref.n


def _changing(caller: Caller, api: Api, hashed: bytes, job_id: UUID) -> Wish:
    return wish(caller, Kind.CHANGE_IMAGES, api.asking.clock(), hashed, subject=job_id)


async def _changed(asked: Asked, image: ImageRef, response: Response, api: Api) -> Image:
    view = await api.views.job(asked.request.team_id, image.job_id)
    found = [result for result in view.job.results if result.n == image.n] if view else []
    if view is None or not found:
        raise NotFound("image")
    response.status_code = 200 if asked.granted else 202
    [result] = found
    return Image.of(
        result, image.job_id, view.job.recipe.prompt, ends_at(result, view.job.expires_at), api.links
    )
