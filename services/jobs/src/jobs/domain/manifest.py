"""What a zip of images says about itself, so that the images can be explained and made again without us."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.jobs import ImageRef, Result
from jobs.domain.record import JobRecord


def entry_name(ref: ImageRef, key: str) -> str:
    """Name the file of an image after the image's id."""
    return f"{ref.job_id}_{ref.n}.{key.rpartition('.')[2]}"


@dataclass(slots=True)
class Manifest:
    """The images in a zip, the recipes of their jobs, and what should have been there and is not."""

    export_id: UUID
    images: list[Mapping[str, Any]] = field(default_factory=list)
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    missing: list[Mapping[str, str]] = field(default_factory=list)

    def add(self, ref: ImageRef, job: JobRecord, result: Result, data: bytes) -> None:
        """Describe an image that is in the zip."""
        self.jobs.setdefault(str(job.id), _job(job))
        self.images.append(
            {
                "file": entry_name(ref, str(result.key)),
                "id": f"{ref.job_id}_{ref.n}",
                "job_id": str(ref.job_id),
                "n": ref.n,
                "seed": result.seed,
                "width": result.width,
                "height": result.height,
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )

    def lacks(self, ref: ImageRef, reason: str) -> None:
        """Note an image that is not in the zip, and why."""
        self.missing.append({"id": f"{ref.job_id}_{ref.n}", "reason": reason})

    def written(self, at: datetime) -> bytes:
        """Write the manifest as JSON."""
        whole = {
            "export_id": str(self.export_id),
            "made_at": at.isoformat(),
            "images": self.images,
            "jobs": self.jobs,
            "missing": self.missing,
        }
        return json.dumps(whole, indent=2, ensure_ascii=False).encode()


def why_missing(job: JobRecord | None, team_id: UUID, result: Result | None) -> str:
    """Tell why an image cannot be in a zip; nothing when it can."""
    if job is None or job.team_id != team_id or result is None:
        return "not_found"
    if result.withheld:
        return "withheld"
    return "" if result.key else "deleted"


def _job(job: JobRecord) -> Mapping[str, Any]:
    return {"created_at": job.created_at.isoformat(), "recipe": job.recipe.model_dump(mode="json")}
