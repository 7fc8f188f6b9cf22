"""What the API answers, typed. Fields that a newer server adds are kept in `model_extra`, never an error.

Statuses and types are plain text, so that one the server learns later does not break a reader.
"""

from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Document(BaseModel):
    """Something the API told; it does not change."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


class Page(Document, Generic[Item]):
    """One page of a list; `next_cursor` is None on the last one."""

    data: list[Item]
    next_cursor: str | None = None


class Size(Document):
    """Width and height in pixels."""

    width: int
    height: int


class Image(Document):
    """One image. Its links end with it and are signed anew on each reading: keep the id, not the link."""

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


class GalleryItem(Image):
    """One image that is there, and what made it."""

    job_id: UUID
    prompt: str
    model_id: UUID | None
    version: int | None
    reference_model_id: UUID | None
    created_at: datetime


class Recipe(Document):
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
    quality: str
    format: str


class Receipt(Document):
    """What a job cost: `held = captured + released + uncollected`, `captured = units x unit_price`."""

    held: int
    captured: int
    released: int
    uncollected: int = 0
    unit_price: int
    units: int
    reason: str
    entry_ids: list[UUID] = []


class Cost(Document):
    """What is held for a job; never more is charged."""

    held: int
    unit_price: int
    price_version: int


class Progress(Document):
    """How far a job is: its step of so many, and the percentage of that step."""

    step: int = 1
    steps: int = 1
    label: str = ""
    percent: int = 0
    queue_position: int | None = None


class Moment(Document):
    """When something happened to a job."""

    at: datetime
    event: str
    detail: str = ""


class Job(Document):
    """One job: what was asked, how far it is, what came of it, and what it cost."""

    id: UUID
    type: str
    status: str
    version: int
    quantity: int
    code: str | None
    reason: str
    position: int | None
    progress: Progress | None
    model_id: UUID | None
    recipe: Recipe
    cost: Cost | None
    results: list[Image]
    receipt: Receipt | None
    timeline: list[Moment]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will become of it."""
        return self.status in {"completed", "failed", "cancelled", "expired"}


class Generating(Document):
    """The jobs that were asked for; `request_id` follows them through logs and traces."""

    request_id: UUID
    jobs: list[Job]


class ReferenceModel(Document):
    """A curated model anyone may start from."""

    id: UUID
    slug: str
    name: str
    category: str
    description: str
    tags: list[str]
    uses: int
    preview_url: str
    retired: bool


class ModelVersion(Document):
    """One trained state of a model; `samples` are links to what it makes."""

    number: int
    job_id: UUID
    instructions: str
    samples: list[str]
    trained_at: datetime


class Model(Document):
    """A team's own model; ready as soon as one version is."""

    id: UUID
    name: str
    description: str
    reference_model_id: UUID | None
    category: str | None
    status: str
    reason: str
    active_version: int | None
    versions: list[ModelVersion]
    created_at: datetime
    updated_at: datetime
    version: int


class Making(Document):
    """A model, and the job that trains it."""

    request_id: UUID
    model: Model
    job: Job


class Upload(Document):
    """An image that was handed in: `key` names it in later requests, for 7 days."""

    key: str


class UploadLink(Upload):
    """Where and how to put an image: with just these headers."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class Export(Document):
    """A zip of images with a `manifest.json`: `done` of `images` so far, then a link, until `expires_at`."""

    id: UUID
    status: str
    images: int
    done: int
    missing: int
    size: int
    url: str | None
    reason: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will become of it."""
        return self.status in {"completed", "failed", "expired"}


class Bucket(Document):
    """Credits of one origin: `remaining` are free to spend, `held` are set aside for jobs."""

    id: UUID
    kind: str
    granted: int
    remaining: int
    held: int
    expires_at: datetime | None = None


class Account(Document):
    """Credits: `available` and `bonus` can be spent, `reserved` are held for jobs."""

    version: int
    available: int
    bonus: int
    reserved: int
    uncollected: int
    frozen: bool
    buckets: list[Bucket]
    next_replenishment_at: datetime | None


class Balance(Account):
    """Credits, and the jobs that run or are open, with their limits."""

    running: int
    running_limit: int
    open: int
    open_limit: int
    plan: str | None


class HistoryLine(Document):
    """One line of the history: `amount` is what it changed, `charged` what was spent for good."""

    id: UUID
    type: str
    amount: int
    charged: int
    balance_after: int
    operation: str | None
    job_id: UUID | None
    reason: str
    at: datetime


class QuotedItem(Document):
    """An item with its price: `total = quantity x unit_price`."""

    operation: str
    quantity: int
    quality: str
    unit_price: int
    total: int


class Quote(Document):
    """An offer: with its id as `quote_id` until it expires, these items, or fewer, cost no more."""

    id: UUID
    items: list[QuotedItem]
    total: int
    price_version: int
    expires_at: datetime


class Event(Document):
    """Something changed: `data` is the whole document in this version, as its own endpoint shows it."""

    seq: int
    type: str
    subject: str
    version: int
    at: datetime
    data: dict[str, Any]
