"""Jobs, facts and times for tests; expected numbers are written out in the tests themselves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from contracts.credits import CreditsHeld, CreditsSettled, Hold
from contracts.jobs import JobChanged, Result
from contracts.message import Message
from contracts.orders import Operation, Order, Recipe
from jobs.domain.birth import born
from jobs.domain.calls import Failed, ProviderImage, Submitted, Succeeded
from jobs.domain.effects import Answered, Ended, Follow
from jobs.domain.job import Job
from jobs.domain.material import Material, Weights
from jobs.domain.record import Refusal
from jobs.domain.rules import Rules
from jobs.settings import Settings

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TEAM = UUID(int=7)
SENT = Submitted("r-1", "https://fal/r-1", "https://fal/r-1/status", "https://fal/r-1/cancel")
UNSAFE = Failed("content_policy", "unsafe prompt")
BROKEN = Failed("provider_error", "a runner died", retryable=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rules(**changes) -> Rules:
    """The rules as they are in service, but for the changes."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return replace(Settings.model_construct(**defaults).rules(), **changes)


RULES = rules(reference_images=4)  # one call draws them all


def hold(operation=Operation.GENERATE_IMAGES, quantity=2, job_id: UUID | None = None, **recipe) -> Hold:
    """Two credits a unit, held for three days."""
    job_id = job_id or uuid4()
    order = Order(job_id=job_id, operation=operation, quantity=quantity, recipe=Recipe(**recipe))
    return Hold(
        job_id=job_id,
        amount=2 * quantity,
        unit_price=2,
        price_version=1,
        expires_at=NOW + timedelta(days=3),
        order=order,
    )


def held(*holds: Hold, team: UUID = TEAM) -> CreditsHeld:
    return CreditsHeld(request_id=uuid4(), team_id=team, holds=holds)


def queued(operation=Operation.GENERATE_IMAGES, refusal: Refusal | None = None, quantity=2, **recipe) -> Job:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    return born(hold(operation, quantity, **recipe), TEAM, trace, NOW, RULES, refusal)[0]


def submitting(operation=Operation.GENERATE_IMAGES, **recipe) -> Job:
    job = queued(operation, **recipe)
    job.dispatched(Material(), NOW, RULES)
    return job


def running(operation=Operation.GENERATE_IMAGES, **recipe) -> Job:
    job = submitting(operation, **recipe)
    job.accepted(job.attempts[-1].id, SENT, "fal-ai/flux/dev", NOW, RULES)
    return job


def storing(operation=Operation.GENERATE_IMAGES, **recipe) -> Job:
    job = running(operation, **recipe)
    job.result(job.attempts[-1].id, drawn(2), NOW, RULES)
    return job


def settling(operation=Operation.GENERATE_IMAGES, **recipe) -> Job:
    job = storing(operation, **recipe)
    job.stored(job.step, kept(2), NOW, RULES)
    return job


def last(job: Job) -> UUID:
    """The newest attempt."""
    return job.attempts[-1].id


def cancelled(job: Job) -> Job:
    job.cancel(NOW, RULES)
    return job


def training(**recipe) -> Job:
    """A creation whose reference set is stored, and whose training runs."""
    job = running(Operation.CREATE_MODEL, quantity=1, **recipe)
    job.result(last(job), drawn(4), NOW, RULES)
    job.stored(1, kept(4), NOW, RULES)
    job.accepted(last(job), SENT, "fal-ai/trainer", NOW, RULES)
    return job


def trained() -> Job:
    """A creation whose weights are there, and not yet kept."""
    job = training()
    job.result(last(job), Succeeded(weights_url="https://fal/w"), NOW, RULES)
    return job


def drawn(count: int, withheld: Iterable[int] = ()) -> Succeeded:
    """The provider's answer with so many images; `withheld` counts from 1."""
    images = (
        ProviderImage(f"https://fal/{n}.jpg", 1024, 1024, "15860307465884635512", withheld=n in set(withheld))
        for n in range(1, count + 1)
    )
    return Succeeded(images=tuple(images))


def kept(count: int, withheld: Iterable[int] = ()) -> tuple[Result, ...]:
    """So many results, stored."""
    return tuple(
        Result(n=n, withheld=True) if n in set(withheld) else Result(n=n, key=f"images/{n}.jpg")
        for n in range(1, count + 1)
    )


def settled(job: Job, captured: int = 0, outcome: str = "") -> CreditsSettled:
    """The answer of credits for a job."""
    return CreditsSettled(
        job_id=job.id,
        team_id=job.team_id,
        outcome=outcome or ("captured" if captured else "released"),
        held=job.price.amount,
        captured=captured,
        released=job.price.amount - captured,
    )


def weights(model_id: UUID, at: datetime = NOW) -> Weights:
    return Weights(uuid4(), TEAM, model_id, "models/w.safetensors", "https://fal/w.safetensors", at)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def messages(follows: Iterable[Follow]) -> list[Message]:
    return [follow for follow in follows if isinstance(follow, Message)]


def effects(follows: Iterable[Follow]) -> list[Follow]:
    """What has to be done, beyond what is said and counted."""
    return [follow for follow in follows if not isinstance(follow, Message | Answered | Ended)]


def counted(follows: Iterable[Follow]) -> list[Follow]:
    return [follow for follow in follows if isinstance(follow, Answered | Ended)]


def document(follows: Iterable[Follow]) -> JobChanged:
    """The one document among what follows."""
    (said,) = [follow for follow in follows if isinstance(follow, JobChanged)]
    return said
