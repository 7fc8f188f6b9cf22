"""How a job begins: paid for and queued, or refused and given back at once."""

import re
from datetime import datetime
from uuid import UUID

from contracts.credits import Hold
from contracts.orders import Operation, Order
from jobs.domain.calls import Step, StepKind
from jobs.domain.effects import Follow
from jobs.domain.job import Job
from jobs.domain.material import belongs
from jobs.domain.record import Price, Refusal
from jobs.domain.rules import Rules

CANCELLED = Refusal("cancelled", "cancelled before it began")
_SEED = re.compile(r"[0-9]{1,20}")
MODEL_BUSY = Refusal("model_busy", "another version of this model is in training")


def born(
    hold: Hold,
    team_id: UUID,
    traceparent: str | None,
    now: datetime,
    rules: Rules,
    refusal: Refusal | None = None,
    floor: int = 0,
) -> tuple[Job, list[Follow]]:
    """Begin the job of a hold.

    With a refusal it is born settling: its credits go back, and it ends with the reason. Its versions begin
    after `floor`.
    """
    order = hold.order
    job = Job(
        id=hold.job_id,
        team_id=team_id,
        user_id=order.user_id,
        operation=order.operation,
        quantity=order.quantity,
        priority=order.priority,
        recipe=order.recipe,
        price=Price(hold.amount, hold.unit_price, hold.expires_at, hold.price_version),
        steps=steps(order, rules),
        created_at=now,
        updated_at=now,
        traceparent=traceparent,
        cancelling=refusal is CANCELLED,
    )
    return job, job.begin(now, rules, refusal or objection(order, team_id, rules), floor)


def steps(order: Order, rules: Rules) -> tuple[Step, ...]:
    """List the provider calls of an order: a training without uploads first draws what it learns from."""
    if order.operation is Operation.GENERATE_IMAGES:
        return drawing(StepKind.GENERATE, order.quantity, rules)
    drawn = 0 if order.recipe.upload_keys else rules.reference_images
    return (*drawing(StepKind.REFERENCE_SET, drawn, rules), Step(StepKind.TRAIN))


def drawing(kind: StepKind, images: int, rules: Rules) -> tuple[Step, ...]:
    """Share images out over calls, since the provider draws only so many at once."""
    at_once = rules.images_per_call
    return tuple(
        Step(kind, first, min(at_once, images + 1 - first)) for first in range(1, images + 1, at_once)
    )


def objection(order: Order, team_id: UUID, rules: Rules) -> Refusal | None:
    """Tell what is wrong with an order in itself, if anything."""
    keys = (*order.recipe.upload_keys, *([order.recipe.reference_key] if order.recipe.reference_key else ()))
    if not all(belongs(key, team_id) for key in keys):
        return Refusal("invalid_uploads", "an image does not belong to the team")
    count = len(order.recipe.upload_keys)
    if count and not rules.least_training_images <= count <= rules.most_training_images:
        bounds = f"{rules.least_training_images} to {rules.most_training_images}"
        return Refusal("invalid_uploads", f"a training takes {bounds} images")
    if order.recipe.seed is not None and not _SEED.fullmatch(order.recipe.seed):
        return Refusal("invalid_input", "a seed is a whole number of at most 20 digits")
    if order.operation is Operation.REFINE_MODEL and order.recipe.model_id is None:
        return Refusal("model_not_found", "a refinement needs a model")
    return None
