"""The studio: choose a model, say what to see, know the price, watch the images come."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import ValidationError

from chassis.http import Problem
from contracts.credits import PricingChanged
from contracts.jobs import JobChanged
from contracts.orders import Operation, Size
from gateway.adapters.inbound.dashboard.forms import complaints, filled
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.starters import starters
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.generate import GenerateBody
from gateway.adapters.inbound.http.bodies.jobs import Job
from gateway.adapters.inbound.http.bodies.models import ReferenceModel
from gateway.adapters.inbound.http.caller import fingerprint, spending, wish
from gateway.application.ask_generate import ask_generate
from gateway.application.reading import Page
from gateway.domain.images import UPLOADS_LIVE
from gateway.domain.permissions import Caller, Permission
from gateway.domain.prices import unit_price
from gateway.domain.requests import Kind

router = APIRouter()
SHAPES = {
    "square": ("Square", Size(width=1024, height=1024)),
    "portrait": ("Portrait", Size(width=832, height=1216)),
    "landscape": ("Landscape", Size(width=1216, height=832)),
    "wide": ("Wide", Size(width=1344, height=768)),
    "large": ("Large square", Size(width=1408, height=1408)),
}
COUNTS = (1, 2, 4, 8)
_RECENT = 12
_USUAL: dict[str, Any] = {
    "source": "",
    "prompt": "",
    "negative_prompt": "",
    "shape": "square",
    "quality": "standard",
    "count": "4",
    "seed": "",
    "reference_upload_key": "",
}
Text = Annotated[str, Form(max_length=4000)]


@router.get("/")
@router.get("/generate")
async def studio(
    me: Visiting,
    api: Ports,
    model: UUID | None = None,
    reference: UUID | None = None,
    version: int | None = None,
    job: Annotated[UUID | None, Query(description="A job whose recipe is used again")] = None,
) -> Response:
    """Show the studio, filled in with what one comes from."""
    given = _USUAL | await _from(me.caller, api, model, reference, version, job)
    recent = await api.lists.jobs(
        me.team.id, Page(_RECENT), status=None, operation=Operation.GENERATE_IMAGES, model_id=None
    )
    sources = await _sources(me.caller, api)
    pricing = await api.views.pricing(api.asking.clock())
    return page(
        "studio.html",
        me,
        title="Generate",
        given=given,
        sources=sources,
        starters=[] if recent else starters([ReferenceModel.of(one) for one in sources["references"]]),
        starter_price=_price(pricing, _USUAL | {"count": "1"}),
        jobs=[Job.of(view, api.links) for view in recent[:_RECENT]],
        price=_price(pricing, given),
        shapes=SHAPES,
        counts=COUNTS,
    )


@router.post("/generate")
async def generate(request: Request, caller: Acting, api: Ports) -> Response:
    """Ask for images; the price shown on the button is the most they cost."""
    caller.require(Permission.GENERATE)
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        body = _body(form)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    asked = wish(
        caller, Kind.GENERATE, api.asking.clock(), fingerprint("page", body), form.get("key"), jobs=1
    )
    who = spending(caller, body.max_credits, None)
    answer = await ask_generate(asked, body.recipes(), body.count, who, api.asking, api.views)
    views = await api.views.jobs(caller.team_id, answer.request.jobs)
    return part("parts/asked.html", jobs=[Job.of(view, api.links) for view in views])


@router.get("/generate/price")
async def price(
    _caller: Acting, api: Ports, count: str = "1", quality: str = "standard", shape: str = "square"
) -> Response:
    """Say what the button would cost now."""
    given = {"count": count, "quality": quality, "shape": shape}
    pricing = await api.views.pricing(api.asking.clock())
    return part("parts/price.html", price=_price(pricing, given), count=_count(given))


def _body(form: dict[str, str]) -> GenerateBody:
    """Read a form as the body that the API takes. Raises ValidationError."""
    kind, _, id_ = form.get("source", "").partition(":")
    known = filled(
        {
            "prompt": form.get("prompt", "").strip(),
            "negative_prompt": form.get("negative_prompt"),
            "seed": form.get("seed", "").strip(),
            "reference_upload_key": form.get("reference_upload_key"),
            "quality": form.get("quality"),
            f"{kind}_id": id_,
        }
    )
    number, _, version = id_.partition("@")
    if version.isdigit():
        known |= {"model_id": number, "version": int(version)}
    shape = SHAPES.get(form.get("shape", ""), SHAPES["square"])[1]
    known |= {"count": _count(form), "size": shape.model_dump()}
    if form.get("max_credits", "").isdigit():
        known["max_credits"] = int(form["max_credits"])
    return GenerateBody.model_validate(known)


def _count(form: dict[str, Any]) -> int:
    count = str(form.get("count", "1"))
    return int(count) if count.isdigit() and 1 <= int(count) <= 16 else 1


def _price(pricing: PricingChanged | None, given: dict[str, Any]) -> int | None:
    if given["quality"] not in ("draft", "standard", "high"):
        raise Problem(422, "invalid_request", "There is no such quality.")
    size = SHAPES.get(given["shape"], SHAPES["square"])[1]
    unit = unit_price(pricing, Operation.GENERATE_IMAGES, given["quality"], size)
    return None if unit is None else unit * _count(given)


async def _sources(caller: Caller, api: Api) -> dict[str, list[Any]]:
    mine = await api.lists.models(caller.team_id, Page(50), status="ready", category=None, search=None)
    curated = await api.lists.reference_models(
        Page(100), sort="popular", category=None, search=None, tag=None
    )
    return {"models": mine, "references": curated}


async def _from(
    caller: Caller,
    api: Api,
    model: UUID | None,
    reference: UUID | None,
    version: int | None,
    job: UUID | None,
) -> dict[str, Any]:
    if model:
        return {"source": f"model:{model}" + (f"@{version}" if version else "")}
    if reference:
        return {"source": f"reference_model:{reference}"}
    view = await api.views.job(caller.team_id, job) if job else None
    if view is None or view.job.operation is not Operation.GENERATE_IMAGES:
        return {}
    recipe = view.job.recipe
    source = f"model:{recipe.model_id}" if recipe.model_id else f"reference_model:{recipe.reference_model_id}"
    shape = next((name for name, (_, size) in SHAPES.items() if size == recipe.size), "square")
    return {
        "source": source,
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "quality": recipe.quality,
        "shape": shape,
        "count": str(view.job.quantity),
        "seed": recipe.seed or "",
        "reference_upload_key": _still_there(view.job, api.asking.clock()),
    }


def _still_there(job: JobChanged, now: datetime) -> str:
    """Take up the reference image of a job as long as uploads are kept."""
    return (job.recipe.reference_key or "") if now < job.created_at + UPLOADS_LIVE else ""
