"""Images and exports as clients see them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from contracts.jobs import ExportChanged, ImagesExpiring, Result
from gateway.adapters.inbound.http.bodies.common import Body, MaxCredits, QuoteId, Strict
from gateway.adapters.inbound.http.bodies.rules import any_of, given, ruled
from gateway.application.gallery import GalleryImage
from gateway.application.ports import Links
from gateway.domain.images import file_name, image_id

ImageId = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}_[1-9][0-9]{0,2}$"
    ),
    Field(description="The id of the job that made it, an underscore, and its number there"),
]
_EXAMPLE = "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f_2"


class Image(Body):
    """One image. Links are signed anew on each reading and never outlive it: keep the id, not the link.

    It has none when it was withheld as unsafe, deleted, or has expired. A pinned image does not expire.
    """

    id: str
    n: int
    url: str | None
    thumbnail_url: str | None
    download_url: str | None
    width: int
    height: int
    seed: str | None
    withheld: bool
    deleted: bool
    pinned: bool
    expires_at: datetime | None

    @classmethod
    def of(cls, result: Result, job_id: UUID, prompt: str, until: datetime | None, links: Links) -> Self:
        """Show a result, with links as long as its object is there."""
        return cls(**image_fields(result, job_id, prompt, until, links))


def image_fields(
    result: Result, job_id: UUID, prompt: str, until: datetime | None, links: Links
) -> dict[str, object]:
    """Show a result, field by field."""
    key, thumbnail = result.key, result.thumbnail_key
    name = file_name(prompt, job_id, result.n, key) if key else ""
    return {
        "id": image_id(job_id, result.n),
        "n": result.n,
        "url": links.lend(key, until) if key else None,
        "thumbnail_url": links.lend(thumbnail, until) if thumbnail else None,
        "download_url": links.lend(key, until, name) if key else None,
        "width": result.width,
        "height": result.height,
        "seed": result.seed,
        "withheld": result.withheld,
        "deleted": result.deleted,
        "pinned": result.pinned,
        "expires_at": until if key else None,
    }


class GalleryItem(Image):
    """One image that is there, and what made it."""

    job_id: UUID
    prompt: str
    model_id: UUID | None
    version: int | None
    reference_model_id: UUID | None
    created_at: datetime

    @classmethod
    def shown(cls, image: GalleryImage, links: Links) -> Self:
        """Show an image of the gallery."""
        until = image.result.expires_at
        return cls(
            **image_fields(image.result, image.job_id, image.prompt, until, links),
            job_id=image.job_id,
            prompt=image.prompt,
            model_id=image.model_id,
            version=image.version,
            reference_model_id=image.reference_model_id,
            created_at=image.created_at,
        )


class DeleteImagesBody(Strict):
    """Which images to delete."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"images": [_EXAMPLE]}]})

    images: Annotated[tuple[ImageId, ...], Field(min_length=1, max_length=100)]


class Deletion(Body):
    """What became of one image: deleted; accepted, and deleted as soon as its owner answers; or refused."""

    id: str
    status: Literal["deleted", "accepted", "refused"]
    code: str | None = None
    detail: str | None = None


class Deletions(Body):
    """What became of each image, in the order they were named."""

    data: list[Deletion]


class ExportBody(Strict):
    """What to pack: at most 1000 images, named one by one or by their jobs (all images that are there)."""

    model_config = ruled(
        any_of(given("images", minItems=1), given("jobs", minItems=1)),
        examples=[{"images": [_EXAMPLE]}, {"jobs": [_EXAMPLE[:36]]}],
    )

    images: Annotated[tuple[ImageId, ...], Field(max_length=1_000)] = ()
    jobs: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.images and not self.jobs:
            raise ValueError("give images or jobs")
        return self


class Export(Body):
    """A zip of images with a `manifest.json`: `done` of `images` so far; then a link, until `expires_at`.

    Images that were gone when their turn came are counted in `missing`, and the manifest says why.
    """

    id: UUID
    status: Literal["accepted", "processing", "completed", "failed", "expired"]
    version: int
    images: int
    done: int
    missing: int
    size: int
    url: str | None
    reason: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, export: ExportChanged, links: Links) -> Self:
        """Show an export."""
        name = f"images-{export.created_at:%Y-%m-%d}-{export.id.hex[-8:]}.zip"
        return cls(
            id=export.id,
            status=export.status,
            version=export.version,
            images=export.images,
            done=export.done,
            missing=export.missing,
            size=export.size,
            url=links.lend(export.key, export.expires_at, name) if export.key else None,
            reason=export.reason,
            created_at=export.created_at,
            updated_at=export.updated_at,
            expires_at=export.expires_at,
        )


class RegenerateBody(Strict):
    """On what conditions to make a job's images again; with `new_seed` they will be others like them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"new_seed": False, "max_credits": 8}]})

    new_seed: Annotated[bool, Field(strict=True)] = False
    max_credits: MaxCredits | None = None
    quote_id: QuoteId | None = None


class ExpiryNotice(Body):
    """Images that will be deleted at `expires_at`, unless they are pinned; told once, a week before."""

    job_id: UUID
    images: list[str]
    expires_at: datetime

    @classmethod
    def of(cls, notice: ImagesExpiring) -> Self:
        """Show a notice."""
        images = [image_id(notice.job_id, n) for n in notice.n]
        return cls(job_id=notice.job_id, images=images, expires_at=notice.expires_at)
