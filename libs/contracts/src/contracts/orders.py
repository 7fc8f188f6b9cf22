"""What a team asks for. The order travels untouched from the gateway through credits to jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.message import Value

Quality = Literal["draft", "standard", "high"]
ImageFormat = Literal["jpeg", "png"]


class Operation(StrEnum):
    """What credits are spent on."""

    CREATE_MODEL = "create_model"
    REFINE_MODEL = "refine_model"
    GENERATE_IMAGES = "generate_images"


class Size(Value):
    """Width and height of an image in pixels."""

    width: int = Field(ge=64, le=2048)
    height: int = Field(ge=64, le=2048)


class Recipe(Value):
    """Everything needed to do a job, to explain it, and to do it again.

    `seed` is text: the provider's seeds exceed 64 bits. `version` is the version of the custom model to use;
    empty means the active one when the job starts. `upload_keys` are the team's own training images.
    """

    model_id: UUID | None = None
    version: int | None = None
    reference_model_id: UUID | None = None
    name: str = ""
    description: str = ""
    instructions: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: str | None = None
    size: Size | None = None
    quality: Quality = "standard"
    format: ImageFormat = "jpeg"
    upload_keys: tuple[str, ...] = ()
    reference_key: str | None = None


class Order(Value):
    """One job to be: `quantity` is the number of images, or 1 for a training."""

    job_id: UUID
    operation: Operation
    quantity: int = Field(ge=1, le=16)
    priority: int = 0
    user_id: UUID | None = None
    recipe: Recipe


class KeyTerms(Value):
    """The API key that spends, and the most it may spend since `window_start` (no limit when empty)."""

    id: UUID
    budget: int | None = None
    window_start: datetime | None = None


class Terms(Value):
    """On what conditions credits may be held; whoever meets a command after `not_after` declines it."""

    not_after: datetime
    max_credits: int | None = None
    quote_id: UUID | None = None
    api_key: KeyTerms | None = None
