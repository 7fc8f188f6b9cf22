"""A team's own models."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from contracts.catalog import Category, ModelChanged, ModelStatus
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery, Search
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import CreateModelBody, Making, Model, RefineModelBody
from gateway.adapters.inbound.http.caller import (
    IdempotencyKey,
    ModelMaker,
    Reader,
    fingerprint,
    replayed,
    spending,
    wish,
)
from gateway.adapters.inbound.http.description import ASKING, problems
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.ask import Asked
from gateway.application.ask_model import create_model, refine_model
from gateway.domain.asks import NotFound
from gateway.domain.requests import Kind

router = APIRouter(tags=["models"])
Id = Annotated[UUID, Path(alias="id")]


class ModelQuery(PageQuery):
    """Which models are wanted."""

    status: ModelStatus | None = None
    category: Category | None = None
    search: Search | None = None


@router.post("/models", status_code=202, responses=ASKING, name="create_model")
async def post_model(
    body: CreateModelBody, caller: ModelMaker, request: Request, api: Ports, key: IdempotencyKey = None
) -> Making:
    """Make a model; the answer comes when its credits are held, or known to be lacking."""
    asked = wish(caller, Kind.CREATE_MODEL, api.asking.clock(), fingerprint("create", body), key, jobs=1)
    who = spending(caller, body.max_credits, body.quote_id)
    return await _making(await create_model(asked, body.recipe(asked.subject), who, api.asking), request, api)


@router.post("/models/{id}/refine", status_code=202, responses=ASKING, name="refine_model")
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


@router.get("/models", responses=problems(400), name="list_models")
async def get_models(query: Annotated[ModelQuery, Query()], caller: Reader, api: Ports) -> PageOf[Model]:
    """List the team's models, newest first."""
    found = await api.lists.models(
        caller.team_id, wanted(query, UUID), status=query.status, category=query.category, search=query.search
    )

    def show(model: ModelChanged) -> Model:
        return Model.of(model, api.links)

    return page_of(found, query, show, lambda model: (str(model.id),))


@router.get("/models/{id}", responses=problems(404), name="get_model")
async def get_model(model_id: Id, caller: Reader, api: Ports) -> Model:
    """Show one model with its versions."""
    if (model := await api.views.model(caller.team_id, model_id)) is None:
        raise NotFound("model")
    return Model.of(model, api.links)


async def _making(asked: Asked, request: Request, api: Api) -> Making:
    team_id = asked.request.team_id
    model = await api.views.model(team_id, asked.request.subject)
    view = await api.views.job(team_id, asked.request.jobs[0])
    if model is None or view is None:
        raise NotFound("model")
    replayed(request, again=asked.replayed)
    return Making(request_id=asked.request.id, model=Model.of(model, api.links), job=Job.of(view, api.links))
