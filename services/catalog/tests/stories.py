"""Facts as catalog hears them, made short."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from catalog.domain.collection import Curated
from contracts.credits import CreditsHeld, Hold
from contracts.jobs import JobChanged, JobStatus, Progress, Result
from contracts.orders import Operation, Order, Recipe

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEAM, USER, MODEL, REFERENCE = (UUID(int=n) for n in range(1, 5))
CREATION, REFINEMENT, SECOND = (UUID(int=n) for n in range(11, 14))
CREATE, REFINE, GENERATE = Operation.CREATE_MODEL, Operation.REFINE_MODEL, Operation.GENERATE_IMAGES


def recipe(operation: Operation = CREATE, reference: UUID | None = REFERENCE) -> Recipe:
    if operation is CREATE:
        return Recipe(
            model_id=MODEL, reference_model_id=reference, name="Autumn line", description="Our coats"
        )
    return Recipe(model_id=MODEL, instructions="Warmer light" if operation is REFINE else "")


def held(job: UUID, operation: Operation = CREATE) -> CreditsHeld:
    order = Order(job_id=job, operation=operation, quantity=1, user_id=USER, recipe=recipe(operation))
    hold = Hold(
        job_id=job,
        amount=100,
        unit_price=100,
        price_version=1,
        expires_at=NOON + timedelta(days=2),
        order=order,
    )
    return CreditsHeld(request_id=uuid4(), team_id=TEAM, holds=(hold,))


def told(
    job: UUID,
    operation: Operation,
    version: int,
    status: JobStatus,
    *,
    at: datetime = NOON,
    code: str | None = None,
    reason: str = "",
    percent: int | None = None,
) -> JobChanged:
    return JobChanged(
        id=job,
        team_id=TEAM,
        user_id=USER,
        version=version,
        operation=operation,
        status=status,
        quantity=1,
        code=code,
        reason=reason,
        progress=None if percent is None else Progress(percent=percent),
        recipe=recipe(operation),
        results=(Result(n=1, key=f"models/{job}/1.jpeg"),) if status == "completed" else (),
        created_at=NOON,
        updated_at=at,
    )


def curated(slug: str = "north-light", description: str = "Calm.", preview: bytes = b"webp") -> Curated:
    return Curated(
        slug=slug,
        name=slug.title(),
        category="fashion",
        description=description,
        tags=("calm", "studio"),
        prompt_recipe="A photograph of {prompt}",
        negative_prompt="text",
        added=NOON.date(),
        preview=preview,
    )
