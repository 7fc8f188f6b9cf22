"""A team's own models."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from contracts.catalog import Category, ModelChanged, ModelStatus
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery, Search
from gateway.adapters.inbound.http.bodies.generate import CompareBody, Generating
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import (
    CreateModelBody,
    Making,
    Model,
    RefineModelBody,
    UpdateModelBody,
)
from gateway.adapters.inbound.http.caller import (
    Generator,
    IdempotencyKey,
    ModelMaker,
    Reader,
    fingerprint,
    replayed,
    spending,
    wish,
)
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.adapters.inbound.http.routes.generate import generating
from gateway.application.ask import Asked, taken_back
from gateway.application.ask_generate import ask_generate
from gateway.application.ask_model import create_model, refine_model
from gateway.application.change_model import activate_version, delete_model, update_model
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter(tags=["models"])
Id = Annotated[UUID, Path(alias="id")]
CHANGING = also(202, "Accepted: the model as it is until its owner answers", model=Model)


class ModelQuery(PageQuery):
    """Which models are wanted."""

    status: ModelStatus | None = None
    category: Category | None = None
    search: Search | None = None


@router.post("/models", status_code=202, name="create_model")
async def post_model(
    body: CreateModelBody, caller: ModelMaker, request: Request, api: Ports, key: IdempotencyKey = None
) -> Making:
    """Make a model; the answer comes when its credits are held, or known to be lacking."""
    asked = wish(caller, Kind.CREATE_MODEL, api.asking.clock(), fingerprint("create", body), key, jobs=1)
    who = spending(caller, body.max_credits, body.quote_id)
    return await _making(await create_model(asked, body.recipe(asked.subject), who, api.asking), request, api)


@router.post("/models/{id}/refine", status_code=202, name="refine_model")
async def post_refinement(
    model_id: Id,
    body: RefineModelBody,
    caller: ModelMaker,
    request: Request,
    api: Ports,
    key: IdempotencyKey = None,
) -> Making:
    """Train the next version of a model, from its active one."""
    hashed, now = fingerprint("refine", model_id, body), api.asking.clock()
    asked = wish(caller, Kind.REFINE_MODEL, now, hashed, key, subject=model_id, jobs=1)
    who = spending(caller, body.max_credits, body.quote_id)
    return await _making(await refine_model(asked, body.recipe(model_id), who, api.asking), request, api)


@router.post("/models/{id}/compare", status_code=202, response_model=Generating, name="compare_versions")
async def post_comparison(
    model_id: Id,
    body: CompareBody,
    caller: Generator,
    request: Request,
    api: Ports,
    key: IdempotencyKey = None,
) -> Response:
    """Generate the same prompt with the same seed on several versions, a job each in their order."""
    recipes, hashed = body.recipes(model_id), fingerprint("compare", model_id, body)
    asked = wish(caller, Kind.GENERATE, api.asking.clock(), hashed, key, jobs=len(recipes))
    who = spending(caller, body.max_credits, body.quote_id)
    answer = await ask_generate(asked, recipes, body.count, who, api.asking, api.views)
    return await generating(answer, request, api)


@router.patch("/models/{id}", responses=CHANGING, name="update_model")
async def patch_model(
    model_id: Id, body: UpdateModelBody, caller: ModelMaker, response: Response, api: Ports
) -> Model:
    """Give a model another name or description."""
    asked = _changing(caller, api, fingerprint("update", model_id, body), model_id)
    done = await update_model(asked, body.name, body.description, api.asking)
    return await _changed(done, response, api)


@router.post("/models/{id}/versions/{number}/activate", responses=CHANGING, name="activate_version")
async def post_activation(
    model_id: Id,
    number: Annotated[int, Path(ge=1, le=100_000)],
    caller: ModelMaker,
    response: Response,
    api: Ports,
) -> Model:
    """Make images with this version from now on, unless another is named: roll back, or forward."""
    asked = _changing(caller, api, fingerprint("activate", model_id, number), model_id)
    return await _changed(await activate_version(asked, number, api.asking), response, api)


@router.delete(
    "/models/{id}",
    status_code=204,
    responses=also(202, "Accepted: it will be deleted as soon as its owner answers"),
    name="delete_model",
)
async def remove_model(
    model_id: Id,
    caller: ModelMaker,
    api: Ports,
    *,
    cancel_jobs: Annotated[
        bool, Query(description="Cancel what is open with it, instead of refusing")
    ] = False,
) -> Response:
    """Delete a model with all its versions; images made with it stay."""
    asked = _changing(caller, api, fingerprint("delete", model_id, cancel_jobs), model_id)
    done = await delete_model(asked, api.asking, cancel_jobs=cancel_jobs)
    return Response(status_code=204 if done.granted else 202)


@router.get("/models", name="list_models")
async def get_models(query: Annotated[ModelQuery, Query()], caller: Reader, api: Ports) -> PageOf[Model]:
    """List the team's models, newest first."""
    found = await api.lists.models(
        caller.team_id, wanted(query, UUID), status=query.status, category=query.category, search=query.search
    )

    def show(model: ModelChanged) -> Model:
        return Model.of(model, api.links)

    return page_of(found, query, show, lambda model: (str(model.id),))


@router.get("/models/{id}", name="get_model")
async def get_model(model_id: Id, caller: Reader, api: Ports) -> Model:
    """Show one model with its versions."""
    if (model := await api.views.model(caller.team_id, model_id)) is None:
        raise NotFound("model")
    return Model.of(model, api.links)


def _changing(caller: Caller, api: Api, hashed: bytes, model_id: UUID) -> Wish:
    return wish(caller, Kind.CHANGE_MODEL, api.asking.clock(), hashed, subject=model_id)


async def _changed(asked: Asked, response: Response, api: Api) -> Model:
    model = await api.views.model(asked.request.team_id, asked.request.subject)
    if model is None:
        raise NotFound("model")
    response.status_code = 200 if asked.granted else 202
    return Model.of(model, api.links)


async def _making(asked: Asked, request: Request, api: Api) -> Making:
    team_id = asked.request.team_id
    model = await api.views.model(team_id, asked.request.subject)
    view = await api.views.job(team_id, asked.request.jobs[0])
    if model is None or view is None:
        raise await taken_back(asked, api.asking) or NotFound("model")
    replayed(request, again=asked.replayed)
    return Making(request_id=asked.request.id, model=Model.of(model, api.links), job=Job.of(view, api.links))
