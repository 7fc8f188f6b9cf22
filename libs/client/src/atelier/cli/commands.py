"""What each command does, with the same client as everybody; what it returns is shown."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from atelier.cli.words import describe, progress
from atelier.client import Atelier
from atelier.documents import Event, Export, Job, Making

Wanted = argparse.Namespace


def generate(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Make images; with --out, show the files."""
    asked = atelier.generate(
        wanted.prompt,
        model_id=atelier.model(wanted.model).id if wanted.model else None,
        version=wanted.model_version,
        reference_model_id=atelier.reference_model(wanted.reference).id if wanted.reference else None,
        reference_upload_key=atelier.upload(wanted.image).key if wanted.image else None,
        count=wanted.count,
        size=wanted.size or (1024, 1024),
        quality=wanted.quality or "standard",
        format=wanted.format,
        seed=wanted.seed,
        negative_prompt=wanted.negative_prompt,
        max_credits=wanted.max_credits,
        quote_id=wanted.quote,
    )
    [job] = asked.jobs
    if not (wanted.wait or wanted.out):
        return [job]
    done = _wait(atelier, job, wanted.timeout)
    return atelier.download(done.id, wanted.out) if wanted.out else [done]


def list_models(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """List the team's models."""
    return atelier.models(search=wanted.search, most=wanted.most)


def show_model(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Show one model."""
    return [atelier.model(wanted.model)]


def create_model(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Make a model."""
    reference = atelier.reference_model(wanted.reference).id if wanted.reference else None
    making = atelier.create_model(
        wanted.name,
        description=wanted.description,
        reference_model_id=reference,
        upload_keys=_uploaded(atelier, wanted.image),
        max_credits=wanted.max_credits,
    )
    return _made(atelier, making, wanted)


def refine_model(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Train the next version of a model."""
    making = atelier.refine_model(
        atelier.model(wanted.model).id,
        instructions=wanted.instructions,
        upload_keys=_uploaded(atelier, wanted.image),
        max_credits=wanted.max_credits,
    )
    return _made(atelier, making, wanted)


def references(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """List the curated models."""
    return atelier.reference_models(category=wanted.category, search=wanted.search, most=wanted.most)


def list_jobs(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """List the team's jobs."""
    return atelier.jobs(status=wanted.status, most=wanted.most)


def show_job(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Show one job."""
    return [atelier.job(wanted.job)]


def cancel_job(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Cancel a job."""
    return [atelier.cancel(wanted.job)]


def list_images(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """List the team's images."""
    return atelier.images(job_id=wanted.job, most=wanted.most)


def download_images(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Save images; show each file when it is there."""
    for name in wanted.image:
        if "_" in name:
            yield atelier.download_image(name, wanted.out)
        else:
            yield from atelier.download(name, wanted.out)


def export_images(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Save images as a zip."""
    images = [name for name in wanted.image if "_" in name]
    export = atelier.export_images(images, jobs=[name for name in wanted.image if "_" not in name])
    return [atelier.download_export(export.id, wanted.out, within=wanted.timeout, told=_packed)]


def balance(atelier: Atelier, _wanted: Wanted) -> Iterable[object]:
    """Show what can be spent."""
    return [atelier.balance()]


def quote(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Get a price that binds."""
    return [atelier.quote(wanted.operation, quantity=wanted.count, size=wanted.size, quality=wanted.quality)]


def events(atelier: Atelier, wanted: Wanted) -> Iterable[object]:
    """Show what happens from now on; with --after what happened since then, and with --follow both."""
    if wanted.follow or wanted.after is None:
        return atelier.events(wanted.after, types=wanted.type)
    return _past_events(atelier, wanted.after, wanted.type)


COMMANDS: dict[tuple[str, str | None], Callable[[Atelier, Wanted], Iterable[Any]]] = {
    ("generate", None): generate,
    ("models", "list"): list_models,
    ("models", "show"): show_model,
    ("models", "create"): create_model,
    ("models", "refine"): refine_model,
    ("references", None): references,
    ("jobs", "list"): list_jobs,
    ("jobs", "show"): show_job,
    ("jobs", "cancel"): cancel_job,
    ("images", "list"): list_images,
    ("images", "download"): download_images,
    ("images", "export"): export_images,
    ("credits", None): balance,
    ("quote", None): quote,
    ("events", None): events,
}


def _wait(atelier: Atelier, job: Job, within: float) -> Job:
    return atelier.wait(job.id, within=within, told=_seen)


def _seen(job: Job) -> None:
    _say(f"{job.status}{progress(job)}")


def _made(atelier: Atelier, making: Making, wanted: Wanted) -> Iterable[object]:
    if not wanted.wait:
        return [making.job]
    return [atelier.wait_for_version(making, within=wanted.timeout, told=_seen)]


def _uploaded(atelier: Atelier, images: Sequence[Path]) -> list[str]:
    return [atelier.upload(image).key for image in images]


def _past_events(atelier: Atelier, after: int, types: Sequence[str]) -> Iterable[Event]:
    while (page := atelier.events_page(after, types=types)).data:
        yield from page.data
        after = int(page.next_cursor or page.data[-1].seq)


def _packed(export: Export) -> None:
    _say(describe(export))


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
