"""What a job is made of: the curated recipe, the weights of a version, and the keys of its objects."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.orders import ImageFormat


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights one training made: our own copy, and the provider's while it lives."""

    job_id: UUID
    team_id: UUID
    model_id: UUID
    key: str
    provider_url: str
    stored_at: datetime
    config_url: str | None = None

    def lives_at_provider(self, now: datetime, life: timedelta) -> bool:
        """Whether the provider's copy is still there: its address is cached there, a signed link never is."""
        return now < self.stored_at + life


@dataclass(frozen=True, slots=True)
class Material:
    """What an order refers to, as it stood when the job came up.

    `prompt_recipe` has one `{prompt}`; `weights` and `version` are those of the model to use or refine.
    """

    prompt_recipe: str = "{prompt}"
    negative_prompt: str = ""
    weights: Weights | None = None
    version: int | None = None


def trigger_word(model_id: UUID) -> str:
    """Return the word that calls a model up: rare, and the same in every version."""
    return f"atl{model_id.hex[-8:]}"


def extension(format_: ImageFormat | str) -> str:
    """Return the file extension of an image format."""
    return "jpg" if format_ == "jpeg" else format_


def image_keys(team_id: UUID, job_id: UUID, n: int, ext: str) -> tuple[str, str]:
    """Name the n-th image of a job, and its thumbnail."""
    return f"images/{team_id}/{job_id}/{n}.{ext}", f"thumbs/{team_id}/{job_id}/{n}.webp"


def sample_keys(team_id: UUID, model_id: UUID, job_id: UUID, n: int, ext: str) -> tuple[str, str]:
    """Name the n-th sample of a training, and its thumbnail: they live as long as the model."""
    folder = f"{model_folder(team_id, model_id, job_id)}/samples"
    return f"{folder}/{n}.{ext}", f"{folder}/{n}.thumb.webp"


def copy_keys(team_id: UUID, job_id: UUID, n: int, key: str, name: UUID) -> tuple[str, str]:
    """Name a copy of the n-th image of a job, and of its thumbnail, below their roots."""
    stem = f"{team_id}/{job_id}/{n}-{name.hex}"
    return f"{stem}.{key.rpartition('.')[2]}", f"{stem}.webp"


def model_folder(team_id: UUID, model_id: UUID, job_id: UUID) -> str:
    """Name the folder of everything one training makes."""
    return f"models/{team_id}/{model_id}/{job_id}"


def belongs(key: str, team_id: UUID) -> bool:
    """Whether the team may hand this object in: its own upload, or an image of its own jobs."""
    own = (f"uploads/{team_id}/", f"images/{team_id}/")
    return key.startswith(own) and ".." not in key
