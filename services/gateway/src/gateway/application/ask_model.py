"""Make a custom model, and refine it version by version."""

from contracts.catalog import ReferenceModelChanged
from contracts.orders import Operation, Recipe
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.application.reading import Views
from gateway.domain.asks import (
    Errand,
    NotFound,
    Spending,
    accepted_model,
    check_refines,
    check_uploads,
    hold,
    order,
)
from gateway.domain.requests import Request


async def create_model(request: Request, recipe: Recipe, who: Spending, asking: Asking) -> Asked:
    """Ask for a new model from a reference model and a description, or from the team's own images."""

    async def errand(work: Work) -> Errand:
        check_uploads(who.team_id, recipe.upload_keys)
        reference = await _reference(work.views, recipe)
        model = accepted_model(request.subject, recipe, who, request.created_at, reference)
        wanted = order(request.jobs[0], Operation.CREATE_MODEL, 1, who, recipe)
        return hold(request.id, (wanted,), who, request.created_at, model)

    return await ask(request, errand, asking)


async def refine_model(request: Request, changes: Recipe, who: Spending, asking: Asking) -> Asked:
    """Ask for the next version of a model, from its active one."""

    async def errand(work: Work) -> Errand:
        check_uploads(who.team_id, changes.upload_keys)
        if (model := await work.views.model(who.team_id, request.subject)) is None:
            raise NotFound("model")
        check_refines(model)
        known = {
            "name": model.name,
            "description": model.description,
            "reference_model_id": model.reference_model_id,
        }
        recipe = changes.model_copy(update=known)
        wanted = order(request.jobs[0], Operation.REFINE_MODEL, 1, who, recipe)
        return hold(request.id, (wanted,), who, request.created_at)

    return await ask(request, errand, asking)


async def _reference(views: Views, recipe: Recipe) -> ReferenceModelChanged | None:
    if recipe.reference_model_id is None:
        return None
    reference = await views.reference_model(recipe.reference_model_id)
    if reference is None or reference.retired:
        raise NotFound("reference_model")
    return reference
