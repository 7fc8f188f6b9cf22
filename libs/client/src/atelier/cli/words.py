"""Documents in one line each, for people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from atelier.documents import (
    Balance,
    Event,
    Export,
    GalleryItem,
    Job,
    Model,
    Quote,
    ReferenceModel,
)


def describe(document: object) -> str:
    """Say what a document says, in a line."""
    return WORDS[type(document)](document)


def _job(job: Job) -> str:
    cost = f"  {job.receipt.captured} credits" if job.receipt else ""
    why = f"  {job.code}: {job.reason}" if job.code else ""
    return f"{job.id}  {job.type:<15}  {job.status:<10}{progress(job)}{cost}{why}"


def progress(job: Job) -> str:
    """Say how far a job is: its place in the queue, or the percentage of its step."""
    if job.position:
        return f"  number {job.position} in the queue"
    if job.progress and not job.ended:
        step = job.progress
        return f"  {step.label.replace('_', ' ')} {step.percent} % ({step.step} of {step.steps})"
    return ""


def _model(model: Model) -> str:
    active = f"  version {model.active_version}" if model.active_version else ""
    return f"{model.id}  {model.name:<28}  {model.status}{active}"


def _balance(balance: Balance) -> str:
    frozen = "  (frozen)" if balance.frozen else ""
    spendable = f"{balance.available + balance.bonus} credits can be spent"
    return (
        f"{spendable}, {balance.reserved} are reserved, {balance.open} of {balance.open_limit} jobs{frozen}"
    )


def _quote(quote: Quote) -> str:
    return f"{quote.id}  {quote.total} credits, until {quote.expires_at:%Y-%m-%d %H:%M} UTC"


def _export(export: Export) -> str:
    return f"{export.id}  {export.status}  {export.done} of {export.images} images"


def _event(event: Event) -> str:
    return (
        f"{event.seq}  {event.at:%H:%M:%S}  {event.type:<20}  {event.subject}  {event.data.get('status', '')}"
    )


def _image(image: GalleryItem) -> str:
    return f"{image.id}  {image.width} x {image.height}  {image.prompt}"


WORDS: dict[type, Callable[[Any], str]] = {
    Balance: _balance,
    Event: _event,
    Export: _export,
    GalleryItem: _image,
    Job: _job,
    Model: _model,
    Quote: _quote,
    ReferenceModel: lambda model: f"{model.slug:<28}  {model.category:<10}  {', '.join(model.tags[:4])}",
}
WORDS |= dict.fromkeys((type(Path()), Path), str)
