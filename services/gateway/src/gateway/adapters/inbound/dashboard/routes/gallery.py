"""The gallery: every image that is there, kept, deleted, or taken home many at a time."""

from itertools import groupby
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.images import DeleteImagesBody, Export, GalleryItem, ImageId
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.adapters.inbound.http.routes.images import SOON
from gateway.application.gallery import GalleryImage, Shown
from gateway.application.keep_images import delete_images, export_images, pin_image
from gateway.domain.asks import NotFound
from gateway.domain.images import image_ref
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import Kind

router = APIRouter()
Id = Annotated[ImageId, Path(alias="id")]
_SHOWN = 48


@router.get("/gallery")
async def gallery(
    me: Visiting,
    api: Ports,
    show: str = "",
    model: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show the team's images that are there, newest first."""
    query, now = PageQuery(limit=_SHOWN, cursor=cursor), api.asking.clock()
    shown = Shown(
        model_id=model,
        pinned=True if show == "pinned" else None,
        expiring=now + SOON if show == "expiring" else None,
    )
    found = await api.gallery.images(me.team.id, wanted(query, UUID, int), shown, now)

    def item(image: GalleryImage) -> GalleryItem:
        return GalleryItem.shown(image, api.links)

    images = page_of(found, query, item, lambda image: (str(image.job_id), image.result.n))
    plan = me.standing.plan
    return page(
        "gallery.html", me, title="Gallery", images=images, show=show, may_pin=bool(plan and plan.limits.pin)
    )


@router.post("/gallery/delete")
async def delete(request: Request, caller: Acting, api: Ports) -> Response:
    """Delete the chosen images for good."""
    caller.require(Permission.GENERATE)
    try:
        images = await _chosen(request)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    refs = sorted({image_ref(id_) for id_ in images}, key=lambda ref: (ref.job_id, ref.n))
    for job_id, of_job in groupby(refs, lambda ref: ref.job_id):
        asked = wish(
            caller, Kind.CHANGE_IMAGES, api.asking.clock(), fingerprint("page delete", job_id), subject=job_id
        )
        await delete_images(asked, [ref.n for ref in of_job], api.asking)
    return Response(headers={"HX-Refresh": "true"})


@router.post("/gallery/export")
async def export(request: Request, caller: Acting, api: Ports) -> Response:
    """Pack the chosen images into one zip, and show how far that is."""
    caller.require(Permission.GENERATE)
    try:
        images = await _chosen(request)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    asked = wish(caller, Kind.EXPORT, api.asking.clock(), fingerprint("page export", *images))
    answer = await export_images(asked, [image_ref(id_) for id_ in images], (), api.asking)
    return part("parts/export.html", export=await _export(answer.request.subject, caller, api))


@router.get("/exports/{export_id}/part")
async def export_part(export_id: UUID, caller: Acting, api: Ports) -> Response:
    """Show how far an export is."""
    return part("parts/export.html", export=await _export(export_id, caller, api))


@router.post("/images/{id}/pin")
async def pin(id_: Id, caller: Acting, api: Ports) -> Response:
    """Keep an image beyond its time."""
    return await _pin(id_, caller, api, pinned=True)


@router.delete("/images/{id}/pin")
async def unpin(id_: Id, caller: Acting, api: Ports) -> Response:
    """Let an image expire again."""
    return await _pin(id_, caller, api, pinned=False)


async def _pin(id_: str, caller: Caller, api: Api, *, pinned: bool) -> Response:
    caller.require(Permission.GENERATE)
    ref, now = image_ref(id_), api.asking.clock()
    asked = wish(caller, Kind.CHANGE_IMAGES, now, fingerprint("page pin", id_, pinned), subject=ref.job_id)
    await pin_image(asked, ref.n, api.asking, pinned=pinned)
    return Response(headers={"HX-Refresh": "true"})


async def _chosen(request: Request) -> tuple[str, ...]:
    """Read which images are meant. Raises ValidationError."""
    form = await request.form()
    return DeleteImagesBody(images=tuple(str(id_) for id_ in form.getlist("images"))).images


async def _export(export_id: UUID, caller: Caller, api: Api) -> Export:
    if (export := await api.gallery.export(caller.team_id, export_id)) is None:
        raise NotFound("export")
    return Export.of(export, api.links)
