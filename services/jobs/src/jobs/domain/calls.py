"""What is asked of the provider and what it answers, in our own words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from contracts.orders import ImageFormat, Quality, Size


class StepKind(StrEnum):
    """What one step of a job does at the provider."""

    GENERATE = "generate"
    REFERENCE_SET = "reference_set"
    TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a job: what it does, and which images it draws (`count` of them, numbered from `first`)."""

    kind: StepKind
    first: int = 1
    count: int = 0


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One piece of work for the provider.

    Images (`generate`, `reference_set`) are drawn with `weights_url` when there is one, starting from
    `reference_url` when there is one. A training (`train`) learns `trigger_word` from the zip at
    `archive_url`, resuming from `checkpoint_url` when there is one. `start_timeout` is in seconds: a request
    that has not started by then never starts. `seed` is text: the provider's seeds exceed 64 bits.
    """

    kind: StepKind
    start_timeout: int
    quantity: int = 1
    prompt: str = ""
    negative_prompt: str = ""
    seed: str | None = None
    size: Size | None = None
    quality: Quality = "standard"
    format: ImageFormat = "jpeg"
    weights_url: str | None = None
    reference_url: str | None = None
    archive_url: str | None = None
    checkpoint_url: str | None = None
    trigger_word: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider's name for an accepted call, and where to ask about it."""

    request_id: str
    response_url: str
    status_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """How far an accepted call is: `position` (0 is next) while queued, `percent` while running, if known.

    `completed` says nothing about success: fetch the outcome.
    """

    state: Literal["queued", "running", "completed"]
    position: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderImage:
    """One image the provider made; `withheld` when its safety checker kept it back and sent a black one."""

    url: str
    width: int = 0
    height: int = 0
    seed: str | None = None
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The provider did it: images, or the weights of a training."""

    images: tuple[ProviderImage, ...] = ()
    weights_url: str | None = None
    config_url: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider could not do it; `retryable` when the same call may succeed later.

    `code` is ours and stable: `content_policy`, `invalid_input`, `file_download_error`, `provider_timeout`,
    `provider_error`.
    """

    code: str
    detail: str
    retryable: bool = False


Outcome = Succeeded | Failed
