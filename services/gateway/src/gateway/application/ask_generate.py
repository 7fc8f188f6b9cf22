"""Generate images with a team's own model or a reference model."""

from uuid import UUID

from contracts.orders import Operation, Recipe
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.application.reading import Views
from gateway.domain.asks import Errand, NotFound, Spending, check_generates, check_uploads, hold, order
from gateway.domain.requests import Request


async def ask_generate(request: Request, recipe: Recipe, count: int, who: Spending, asking: Asking) -> Asked:
    """Ask for `count` images of one recipe; the job's id is the request's first job."""

    async def errand(work: Work) -> Errand:
        await _check(work.views, recipe, who.team_id)
        wanted = order(request.jobs[0], Operation.GENERATE_IMAGES, count, who, recipe)
        return hold(request.id, (wanted,), who, request.created_at)

    return await ask(request, errand, asking)


async def _check(views: Views, recipe: Recipe, team_id: UUID) -> None:
    check_uploads(team_id, (recipe.reference_key,) if recipe.reference_key else ())
    if recipe.model_id is not None:
        if (model := await views.model(team_id, recipe.model_id)) is None:
            raise NotFound("model")
        check_generates(model, recipe.version)
    elif recipe.reference_model_id is not None:
        reference = await views.reference_model(recipe.reference_model_id)
        if reference is None or reference.retired:
            raise NotFound("reference_model")
