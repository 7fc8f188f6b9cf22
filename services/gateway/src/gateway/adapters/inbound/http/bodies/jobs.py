"""Jobs as clients see them: keys become links, signed on reading."""

from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.jobs import Cost, JobChanged, JobStatus, Moment, Progress, Receipt, Result
from contracts.orders import ImageFormat, Operation, Quality, Recipe, Size
from gateway.adapters.inbound.http.bodies.common import Body
from gateway.adapters.inbound.http.bodies.images import Image
from gateway.application.ports import Links
from gateway.application.reading import JobView
from gateway.domain.images import ends_at


class JobRecipe(Body):
    """Everything that was asked for."""

    version: int | None
    reference_model_id: UUID | None
    name: str
    description: str
    instructions: str
    prompt: str
    negative_prompt: str
    seed: str | None
    size: Size | None
    quality: Quality
    format: ImageFormat
    upload_keys: list[str]
    reference_key: str | None

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Show a recipe."""
        return cls.model_validate(recipe.model_dump(exclude={"model_id"}))


class JobCost(Body):
    """What is held for a job; never more is charged."""

    held: int
    unit_price: int
    price_version: int

    @classmethod
    def of(cls, cost: Cost) -> Self:
        """Show a cost."""
        return cls(held=cost.held, unit_price=cost.unit_price, price_version=cost.price_version)


class Job(Body):
    """One job: what was asked, how far it is, what came of it, and what it cost.

    `code` says why it failed or waits, `reason` says it in words.
    """

    id: UUID
    type: Operation
    status: JobStatus
    version: int
    quantity: int
    code: str | None
    reason: str
    position: int | None
    progress: Progress | None
    model_id: UUID | None
    recipe: JobRecipe
    cost: JobCost | None
    results: list[Image]
    receipt: Receipt | None
    timeline: list[Moment]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, view: JobView, links: Links) -> Self:
        """Show a job as its owner last described it."""
        return cls.described(view.job, links, view.cost)

    @classmethod
    def described(cls, job: JobChanged, links: Links, cost: Cost | None = None) -> Self:
        """Show one description of a job."""
        return cls(
            id=job.id,
            type=job.operation,
            status=job.status,
            version=job.version,
            quantity=job.quantity,
            code=job.code,
            reason=job.reason,
            position=job.position,
            progress=job.progress,
            model_id=job.recipe.model_id,
            recipe=JobRecipe.of(job.recipe),
            cost=JobCost.of(cost) if cost else None,
            results=[_image(result, job, links) for result in job.results],
            receipt=job.receipt,
            timeline=list(job.timeline),
            created_at=job.created_at,
            updated_at=job.updated_at,
            expires_at=job.expires_at,
        )


def _image(result: Result, job: JobChanged, links: Links) -> Image:
    if job.status == "expired":  # whatever an old description says of keys
        result = result.model_copy(update={"key": None, "thumbnail_key": None})
    return Image.of(result, job.id, job.recipe.prompt, ends_at(result, job.expires_at), links)
