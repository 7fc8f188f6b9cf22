"""Models: all of them, a new one, and one over its life."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import ValidationError

from contracts.orders import Operation
from gateway.adapters.inbound.dashboard.forms import complaints, filled
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.generate import CompareBody
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import (
    CreateModelBody,
    Model,
    ReferenceModel,
    RefineModelBody,
    UpdateModelBody,
)
from gateway.adapters.inbound.http.caller import fingerprint, spending, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.ask_generate import ask_generate
from gateway.application.ask_model import create_model, refine_model
from gateway.application.change_model import activate_version, delete_model, update_model
from gateway.application.reading import Page
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller, Permission
from gateway.domain.prices import unit_price
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter()
CATEGORIES = ("fashion", "fitness", "beauty", "lifestyle", "business")
_CARDS = 24


@router.get("/models")
async def models(
    me: Visiting,
    api: Ports,
    search: str = "",
    status: str = "",
    category: str = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show the team's models, newest first."""
    query = PageQuery(limit=_CARDS, cursor=cursor)
    found = await api.lists.models(
        me.team.id,
        wanted(query, UUID),
        status=status or None,
        category=category or None,
        search=search or None,
    )
    shown = page_of(found, query, lambda model: Model.of(model, api.links), lambda model: (str(model.id),))
    given = {"search": search, "status": status, "category": category}
    return page("models.html", me, title="Models", models=shown, given=given, categories=CATEGORIES)


@router.get("/reference-models")
async def reference_models(
    me: Visiting, api: Ports, search: str = "", category: str = "", sort: str = "popular"
) -> Response:
    """Show the curated models anyone may start from."""
    given = {"search": search, "category": category, "sort": sort}
    found = await _references(api, search, category, sort)
    return page("references.html", me, title="Reference models", here="Models", references=found, given=given,
        categories=CATEGORIES)  # fmt: skip


@router.get("/models/new")
async def new_model(
    me: Visiting, api: Ports, reference: UUID | None = None, search: str = "", category: str = ""
) -> Response:
    """Show what a new model needs."""
    return page(
        "model-new.html",
        me,
        title="New model",
        here="Models",
        chosen=reference,
        references=await _references(api, search, category, "popular"),
        given={"search": search, "category": category},
        categories=CATEGORIES,
        price=unit_price(await api.views.pricing(api.asking.clock()), Operation.CREATE_MODEL),
    )


@router.post("/models")
async def create(request: Request, caller: Acting, api: Ports) -> Response:
    """Ask for a model, and go on to where it is trained."""
    caller.require(Permission.MODELS)
    form = await request.form()
    known = filled({name: form.get(name) for name in ("name", "description", "reference_model_id")})
    try:
        body = CreateModelBody.model_validate(
            known | {"upload_keys": tuple(form.getlist("upload_keys")), "max_credits": _ceiling(form)}
        )
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    hashed = fingerprint("page create", body)
    asked = wish(caller, Kind.CREATE_MODEL, api.asking.clock(), hashed, _key(form), jobs=1)
    who = spending(caller, body.max_credits, None)
    made = await create_model(asked, body.recipe(asked.subject), who, api.asking)
    return Response(headers={"HX-Redirect": f"/models/{made.request.subject}"})


@router.get("/models/{model_id}")
async def model_page(model_id: UUID, me: Visiting, api: Ports) -> Response:
    """Show a model with its versions, and what can be done with it."""
    model = await _model(model_id, me.caller, api)
    training = await api.views.job(me.team.id, model.training.job_id) if model.training else None
    pricing = await api.views.pricing(api.asking.clock())
    return page(
        "model.html",
        me,
        title=model.name,
        here="Models",
        model=model,
        training=Job.of(training, api.links) if training else None,
        price=unit_price(pricing, Operation.REFINE_MODEL),
        unit=unit_price(pricing, Operation.GENERATE_IMAGES),
    )


@router.post("/models/{model_id}/refine")
async def refine(model_id: UUID, request: Request, caller: Acting, api: Ports) -> Response:
    """Ask for the next version."""
    caller.require(Permission.MODELS)
    form = await request.form()
    try:
        body = RefineModelBody.model_validate(
            filled({"instructions": form.get("instructions")})
            | {"upload_keys": tuple(form.getlist("upload_keys")), "max_credits": _ceiling(form)}
        )
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    hashed, now = fingerprint("page refine", model_id, body), api.asking.clock()
    asked = wish(caller, Kind.REFINE_MODEL, now, hashed, _key(form), subject=model_id, jobs=1)
    await refine_model(asked, body.recipe(model_id), spending(caller, body.max_credits, None), api.asking)
    return Response(headers={"HX-Redirect": f"/models/{model_id}"})


@router.post("/models/{model_id}/compare")
async def compare(model_id: UUID, request: Request, caller: Acting, api: Ports) -> Response:
    """Ask for the same prompt and seed on several versions, and show them side by side."""
    caller.require(Permission.GENERATE)
    form = await request.form()
    versions = tuple(int(str(version)) for version in form.getlist("versions") if str(version).isdigit())
    try:
        body = CompareBody.model_validate(
            filled({"prompt": form.get("prompt"), "seed": form.get("seed")}) | {"versions": versions}
        )
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    recipes, hashed = body.recipes(model_id), fingerprint("page compare", model_id, body)
    asked = wish(caller, Kind.GENERATE, api.asking.clock(), hashed, _key(form), jobs=len(recipes))
    each = _ceiling(form, "max_each")
    who = spending(caller, None if each is None else each * len(recipes), None)
    answer = await ask_generate(asked, recipes, 1, who, api.asking, api.views)
    views = await api.views.jobs(caller.team_id, answer.request.jobs)
    return part("parts/compared.html", jobs=[Job.of(view, api.links) for view in views])


@router.post("/models/{model_id}")
async def update(
    model_id: UUID,
    caller: Acting,
    api: Ports,
    name: Annotated[str, Form(max_length=500)] = "",
    description: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Give a model another name or description."""
    caller.require(Permission.MODELS)
    try:
        body = UpdateModelBody(name=name, description=description)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    asked = _change(caller, api, fingerprint("page update", model_id, body), model_id)
    await update_model(asked, body.name, body.description, api.asking)
    return Response(headers={"HX-Redirect": f"/models/{model_id}"})


@router.post("/models/{model_id}/versions/{number}/activate")
async def activate(model_id: UUID, number: int, caller: Acting, api: Ports) -> Response:
    """Make images with this version from now on."""
    caller.require(Permission.MODELS)
    asked = _change(caller, api, fingerprint("page activate", model_id, number), model_id)
    await activate_version(asked, number, api.asking)
    return Response(headers={"HX-Redirect": f"/models/{model_id}"})


@router.delete("/models/{model_id}")
async def delete(
    model_id: UUID, caller: Acting, api: Ports, *, cancel_jobs: Annotated[bool, Query()] = False
) -> Response:
    """Delete a model."""
    caller.require(Permission.MODELS)
    asked = _change(caller, api, fingerprint("page delete", model_id, cancel_jobs), model_id)
    await delete_model(asked, api.asking, cancel_jobs=cancel_jobs)
    return Response(headers={"HX-Redirect": "/models"})


def _change(caller: Caller, api: Api, hashed: bytes, model_id: UUID) -> Wish:
    return wish(caller, Kind.CHANGE_MODEL, api.asking.clock(), hashed, subject=model_id)


async def _model(model_id: UUID, caller: Caller, api: Api) -> Model:
    if (model := await api.views.model(caller.team_id, model_id)) is None:
        raise NotFound("model")
    return Model.of(model, api.links)


async def _references(api: Api, search: str, category: str, sort: str) -> list[ReferenceModel]:
    found = await api.lists.reference_models(
        Page(100),
        sort=sort if sort in ("popular", "newest", "name") else "popular",
        category=category or None,
        search=search or None,
        tag=None,
    )
    return [ReferenceModel.of(reference) for reference in found]


def _key(form: Any) -> str | None:  # noqa: ANN401 - what Starlette calls a form
    return str(form.get("key") or "") or None


def _ceiling(form: Any, field: str = "max_credits") -> int | None:  # noqa: ANN401 - what Starlette calls a form
    given = str(form.get(field) or "")
    return int(given) if given.isdigit() else None
