"""What a request for work consists of: orders, documents to show meanwhile, and what is refused at once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import HoldCredits, QuoteCredits, QuoteItem
from contracts.jobs import ExportChanged, JobChanged, Moment
from contracts.message import Message
from contracts.orders import KeyTerms, Operation, Order, Recipe, Terms

PATIENCE = timedelta(minutes=15)
"""After this a hold is declined, so that a forgotten ask is never carried out, and charged, hours later."""


class NotFound(Exception):
    """There is no such thing, or it is another team's, which is the same."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what.replace('_', ' ')}.")
        self.what = what


class ModelNotReady(Exception):
    """The model has no trained version yet."""


class ModelBusy(Exception):
    """Another version of the model is being trained."""


class ModelInUse(Exception):
    """Jobs with the model are open."""


class VersionNotFound(Exception):
    """The model has no such version."""


class TooLate(Exception):
    """The job has ended already."""


class QueueFull(Exception):
    """The team has as many open jobs as its plan allows."""

    reason = "plan_open_limit"

    def __init__(self, open_: int, allowed: int) -> None:
        super().__init__(
            f"Your plan allows {allowed} open jobs, and {open_} are open. Wait until one ends, or cancel one."
        )
        self.open, self.allowed = open_, allowed


@dataclass(frozen=True, slots=True)
class Spending:
    """Who spends, and on what conditions."""

    team_id: UUID
    user_id: UUID
    key: KeyTerms | None = None
    max_credits: int | None = None
    quote_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """What a request sets going: the message to its owner, and the documents to show until it answers."""

    message: Message
    jobs: tuple[JobChanged, ...] = ()
    models: tuple[ModelChanged, ...] = ()
    exports: tuple[ExportChanged, ...] = ()

    def undecided_until(self, time: datetime) -> "Errand":
        """Let a hold be declined when it is met later than this."""
        if not isinstance(self.message, HoldCredits) or self.message.terms is None:
            return self
        terms = self.message.terms.model_copy(update={"not_after": time})
        return replace(self, message=self.message.model_copy(update={"terms": terms}))


def hold(
    request_id: UUID, orders: tuple[Order, ...], who: Spending, now: datetime, *models: ModelChanged
) -> Errand:
    """Ask for the credits of these orders, and show a job for each meanwhile."""
    terms = Terms(
        not_after=now + PATIENCE, max_credits=who.max_credits, quote_id=who.quote_id, api_key=who.key
    )
    command = HoldCredits(request_id=request_id, team_id=who.team_id, orders=orders, terms=terms)
    return Errand(command, tuple(accepted_job(order, who, now) for order in orders), models)


def quote(request_id: UUID, team_id: UUID, items: tuple[QuoteItem, ...]) -> Errand:
    """Ask what these items would cost; there is nothing to show meanwhile."""
    return Errand(QuoteCredits(request_id=request_id, team_id=team_id, items=items))


def order(job_id: UUID, operation: Operation, quantity: int, who: Spending, recipe: Recipe) -> Order:
    """Write down what one job is to do."""
    return Order(job_id=job_id, operation=operation, quantity=quantity, user_id=who.user_id, recipe=recipe)


def accepted_job(order: Order, who: Spending, now: datetime) -> JobChanged:
    """Show a job before jobs knows of it: version 0."""
    return JobChanged(
        id=order.job_id,
        team_id=who.team_id,
        user_id=order.user_id,
        version=0,
        operation=order.operation,
        status="accepted",
        quantity=order.quantity,
        recipe=order.recipe,
        timeline=(Moment(at=now, event="accepted"),),
        created_at=now,
        updated_at=now,
    )


def accepted_model(
    id_: UUID, recipe: Recipe, who: Spending, now: datetime, reference: ReferenceModelChanged | None
) -> ModelChanged:
    """Show a model before catalog knows of it: version 0."""
    return ModelChanged(
        id=id_,
        team_id=who.team_id,
        user_id=who.user_id,
        version=0,
        name=recipe.name,
        description=recipe.description,
        reference_model_id=recipe.reference_model_id,
        category=reference.category if reference else None,
        status="accepted",
        created_at=now,
        updated_at=now,
    )


def check_generates(model: ModelChanged, version: int | None) -> None:
    """Raise unless the model can make images with this version (None: its active one)."""
    if model.active_version is None or model.status not in ("ready", "training"):
        raise ModelNotReady
    if version is not None and version not in {known.number for known in model.versions}:
        raise VersionNotFound


def check_changes(model: ModelChanged) -> None:
    """Raise unless the owner of the model knows of it by now."""
    if model.version == 0:
        raise ModelNotReady


def check_refines(model: ModelChanged) -> None:
    """Raise unless a new version of the model can be trained now."""
    if model.active_version is None:
        raise ModelNotReady
    if model.training is not None:
        raise ModelBusy


def check_uploads(team_id: UUID, keys: tuple[str, ...]) -> None:
    """Raise NotFound unless every upload is the team's own."""
    if any(not key.startswith(f"uploads/{team_id}/") for key in keys):
        raise NotFound("upload")
