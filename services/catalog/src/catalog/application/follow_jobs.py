from collections.abc import Iterator, Sequence
from uuid import UUID

from catalog.application.ports import Transaction, Use, Work
from catalog.domain.models import Model
from chassis.clock import Clock
from contracts.catalog import Category, ModelChanged
from contracts.credits import CreditsHeld
from contracts.envelope import Delivery
from contracts.jobs import JobChanged
from contracts.orders import Operation, Order, Recipe

Heard = CreditsHeld | JobChanged
Training = tuple[Delivery[Heard], Order | JobChanged]
TRAININGS = frozenset({Operation.CREATE_MODEL, Operation.REFINE_MODEL})


class TrainingWithoutModel(Exception):
    """A training was ordered that names no model."""


async def follow_jobs(deliveries: Sequence[Delivery[Heard]], transaction: Transaction, clock: Clock) -> None:
    """Bring the custom models up to what their jobs have told, and count what was completed.

    Facts may come twice, late and in any order: a job's document has a version, a counted job has a row.
    """
    trainings = list(_trainings(deliveries))
    async with transaction() as work:
        closed = await work.models.closed({delivery.message.team_id for delivery, _ in trainings})
        models = await work.models.lock({_model_id(told.recipe) for _, told in trainings})
        categories = await _categories(work, trainings)
        for delivery, told in trainings:
            model, category = models[_model_id(told.recipe)], _category(told.recipe, categories)
            document = _take_in(model, delivery, told, category, clock)
            if delivery.message.team_id in closed:
                document = model.erase(clock()) or document
            if document:
                work.outbox.add(document, delivery)
        await work.models.save(models.values())
        await work.references.count(_uses(deliveries))


def _trainings(deliveries: Sequence[Delivery[Heard]]) -> Iterator[Training]:
    for delivery in deliveries:
        message = delivery.message
        heard = [message] if isinstance(message, JobChanged) else [hold.order for hold in message.holds]
        yield from ((delivery, told) for told in heard if told.operation in TRAININGS)


def _take_in(
    model: Model, delivery: Delivery[Heard], told: Order | JobChanged, category: Category | None, clock: Clock
) -> ModelChanged | None:
    if isinstance(told, JobChanged):
        return model.job_changed(told, category, clock())
    return model.held(told, delivery.message.team_id, category, clock())


async def _categories(work: Work, trainings: Sequence[Training]) -> dict[UUID, Category]:
    references = {told.recipe.reference_model_id for _, told in trainings}
    return await work.references.categories([reference for reference in references if reference])


def _category(recipe: Recipe, categories: dict[UUID, Category]) -> Category | None:
    return categories.get(recipe.reference_model_id) if recipe.reference_model_id else None


def _uses(deliveries: Sequence[Delivery[Heard]]) -> list[Use]:
    jobs = [delivery.message for delivery in deliveries if isinstance(delivery.message, JobChanged)]
    return [
        Use(job.id, job.recipe.reference_model_id, job.recipe.model_id)
        for job in jobs
        if job.status == "completed"
    ]


def _model_id(recipe: Recipe) -> UUID:
    if recipe.model_id is None:
        raise TrainingWithoutModel(recipe.name)
    return recipe.model_id
