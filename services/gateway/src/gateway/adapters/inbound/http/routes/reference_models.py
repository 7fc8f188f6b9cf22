"""The curated reference models."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from contracts.catalog import Category, ReferenceModelChanged
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery, Search, Tag
from gateway.adapters.inbound.http.bodies.models import ReferenceModel
from gateway.adapters.inbound.http.caller import Reader
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.domain.asks import NotFound

router = APIRouter(tags=["reference models"])
Id = Annotated[UUID, Path(alias="id")]
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_NOW = "public, max-age=300"


class ReferenceModelQuery(PageQuery):
    """Which reference models are wanted."""

    category: Category | None = None
    search: Search | None = None
    tag: Tag | None = None
    sort: Literal["popular", "newest", "name"] = "popular"


_KEYS: dict[str, type] = {"popular": int, "newest": datetime, "name": str}


@router.get("/reference-models", name="list_reference_models")
async def get_reference_models(
    query: Annotated[ReferenceModelQuery, Query()], _caller: Reader, api: Ports
) -> PageOf[ReferenceModel]:
    """List the models anyone may start from."""
    page = wanted(query, _KEYS[query.sort], UUID)
    found = await api.lists.reference_models(
        page, sort=query.sort, category=query.category, search=query.search, tag=query.tag
    )

    def key(model: ReferenceModelChanged) -> tuple[str | int, str]:
        sorts: dict[str, str | int] = {
            "popular": model.uses,
            "newest": model.created_at.isoformat(),
            "name": model.name,
        }
        return sorts[query.sort], str(model.id)

    return page_of(found, query, ReferenceModel.of, key)


@router.get("/reference-models/{id}", name="get_reference_model")
async def get_reference_model(model_id: Id, _caller: Reader, api: Ports) -> ReferenceModel:
    """Show one reference model."""
    if (model := await api.views.reference_model(model_id)) is None:
        raise NotFound("reference_model")
    return ReferenceModel.of(model)


@router.get(
    "/reference-models/{id}/preview",
    response_class=Response,
    responses=also(
        200, "A picture", content={"image/webp": {"schema": {"type": "string", "format": "binary"}}}
    )
    | also(304, "Not modified"),
    name="get_reference_model_preview",
)
async def get_preview(
    model_id: Id,
    api: Ports,
    v: Annotated[str | None, Query(max_length=64, description="As in `preview_url`")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Show the picture of a reference model; needs no authentication."""
    if (found := await api.previews.preview(model_id)) is None:
        raise NotFound("preview")
    name, content_type, data = found
    cached = _FOR_EVER if v and name.startswith(v) else _FOR_NOW
    headers = {"ETag": f'"{name}"', "Cache-Control": cached}
    if if_none_match and f'"{name}"' in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=content_type, headers=headers)
