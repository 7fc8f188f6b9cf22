"""Generate images with a team's own model or a reference model, one prompt or many."""

from collections.abc import Sequence
from uuid import UUID

from contracts.orders import Operation, Recipe
from gateway.application.ask import Asked, Asking, ask
from gateway.application.ports import Work
from gateway.application.reading import Sources
from gateway.domain.asks import (
    Errand,
    ModelNotReady,
    NotFound,
    Spending,
    VersionNotFound,
    check_generates,
    check_uploads,
    hold,
    order,
)
from gateway.domain.images import RecipeGone, again
from gateway.domain.requests import Request


async def ask_generate(
    request: Request,
    recipes: Sequence[Recipe],
    count: int,
    who: Spending,
    asking: Asking,
    sources: Sources,
) -> Asked:
    """Ask for `count` images of each recipe: one of the request's jobs each, and credits for all or none.

    `sources` is where the models are looked up first.
    """

    async def errand(found: Sources) -> Errand:
        # What has to be checked does not depend on the prompt: a batch asks for each model once.
        for recipe in {_sources(recipe): recipe for recipe in recipes}.values():
            await _check(found, recipe, who.team_id)
        orders = (
            order(job_id, Operation.GENERATE_IMAGES, count, who, recipe)
            for job_id, recipe in zip(request.jobs, recipes, strict=True)
        )
        return hold(request.id, tuple(orders), who, request.created_at)

    async def usual() -> Errand | None:
        try:
            return await errand(sources)
        except (NotFound, ModelNotReady, VersionNotFound):
            return None  # it may be a repetition of what was possible once

    return await ask(request, lambda work: errand(work.views), asking, usual)


async def regenerate(
    request: Request, job_id: UUID, who: Spending, asking: Asking, *, new_seed: bool
) -> Asked:
    """Ask for the images of a job once more, from its recipe; also when they have expired."""

    async def errand(work: Work) -> Errand:
        if (view := await work.views.job(who.team_id, job_id)) is None:
            raise NotFound("job")
        recipe = again(view.job, request.created_at, new_seed=new_seed)
        try:
            await _check(work.views, recipe, who.team_id)
        except VersionNotFound as error:
            raise RecipeGone("version_gone", "The model has no such version any more.") from error
        except (NotFound, ModelNotReady) as error:
            raise RecipeGone("model_gone", "The model is there no more.") from error
        wanted = order(request.jobs[0], Operation.GENERATE_IMAGES, view.job.quantity, who, recipe)
        return hold(request.id, (wanted,), who, request.created_at)

    return await ask(request, errand, asking)


def _sources(recipe: Recipe) -> tuple[object, ...]:
    return recipe.model_id, recipe.version, recipe.reference_model_id, recipe.reference_key


async def _check(sources: Sources, recipe: Recipe, team_id: UUID) -> None:
    check_uploads(team_id, (recipe.reference_key,) if recipe.reference_key else ())
    if recipe.model_id is not None:
        if (model := await sources.model(team_id, recipe.model_id)) is None:
            raise NotFound("model")
        check_generates(model, recipe.version)
    elif recipe.reference_model_id is not None:
        reference = await sources.reference_model(recipe.reference_model_id)
        if reference is None or reference.retired:
            raise NotFound("reference_model")
