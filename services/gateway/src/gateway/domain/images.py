"""Images as clients name them, whether they are still there, and how a job is done again."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from contracts.jobs import ImageRef, JobChanged, Result
from contracts.orders import Operation, Recipe

UPLOADS_LIVE = timedelta(days=7)
_WORDS = re.compile(r"[a-z0-9]+")
_NAME_WORDS = 6


class ImageGone(Exception):
    """The image was deleted or has expired."""


class NotRepeatable(Exception):
    """The job made no images, so there are none to make again."""


class RecipeGone(Exception):
    """Something that a job was made with is there no more; `code` says what."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{detail} Generate with another one: the job shows the rest of its recipe.")
        self.code = code


def image_id(job_id: UUID, n: int) -> str:
    """Name an image: its job, and its number there."""
    return f"{job_id}_{n}"


def image_ref(id_: str) -> ImageRef:
    """Read an image's name, of which the form is known to be right."""
    job_id, _, n = id_.partition("_")
    return ImageRef(job_id=UUID(job_id), n=int(n))


def ends_at(result: Result, job_expires_at: datetime | None) -> datetime | None:
    """Tell until when an image is kept; None for one that is kept until it is deleted."""
    return None if result.pinned else result.expires_at or job_expires_at


def check_image(job: JobChanged, n: int) -> Result | None:
    """Find an image of a job; None when the job did not make it, or it was withheld. Raises ImageGone."""
    made = next((result for result in job.results if result.n == n and not result.withheld), None)
    if made and made.key is None:
        raise ImageGone
    return made


def file_name(prompt: str, job_id: UUID, n: int, key: str) -> str:
    """Name the file of an image after its prompt, so that a folder of downloads can be read."""
    words = "-".join(_WORDS.findall(prompt.lower())[:_NAME_WORDS])[:60]
    stem = f"{words}-{job_id.hex[-8:]}-{n}" if words else f"image-{job_id.hex[-8:]}-{n}"
    return f"{stem}.{key.rpartition('.')[2]}"


def again(job: JobChanged, now: datetime, *, new_seed: bool) -> Recipe:
    """Write the recipe that makes a job's images again, or others like them with a new seed.

    Without a seed of its team's, the seed of its first image is the seed of the job. Raises NotRepeatable,
    RecipeGone.
    """
    if job.operation is not Operation.GENERATE_IMAGES:
        raise NotRepeatable
    if job.recipe.reference_key and job.created_at + UPLOADS_LIVE <= now:
        raise RecipeGone("reference_gone", "The reference image was kept for 7 days.")
    seed = None if new_seed else job.recipe.seed or _first_seed(job.results)
    return job.recipe.model_copy(update={"seed": seed})


def _first_seed(results: Sequence[Result]) -> str | None:
    return next((result.seed for result in results if result.n == 1), None)
