"""Putting a team's own images where jobs find them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import Body, Strict
from gateway.adapters.inbound.http.caller import IdempotencyKey, Maker, fingerprint, replayed, wish
from gateway.application.request_upload import request_upload
from gateway.domain.requests import GRANTED, Kind

router = APIRouter(tags=["uploads"])
_LARGEST = 20 * 1024 * 1024


class UploadBody(Strict):
    """What will be put: the link takes just this type and size."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content_type": "image/jpeg", "size": 248113}]}
    )

    content_type: Literal["image/jpeg", "image/png", "image/webp"]
    size: Annotated[int, Field(ge=1, le=_LARGEST, strict=True, description="In bytes")]


class Upload(Body):
    """Where and how to put it: send just these headers. `key` names it in later requests, for 7 days."""

    key: str
    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_at: datetime


@router.post("/uploads", status_code=201, name="request_upload")
async def post_upload(
    body: UploadBody, caller: Maker, request: Request, api: Ports, key: IdempotencyKey = None
) -> Upload:
    """Get a link to put one image with."""
    asked = wish(caller, Kind.UPLOAD, api.asking.clock(), fingerprint("upload", body), key, verdict=GRANTED)
    name, link, again = await request_upload(
        asked, body.content_type, body.size, api.links, api.asking.transaction
    )
    replayed(request, again=again)
    return Upload(key=name, url=link.url, headers=dict(link.headers), expires_at=link.expires_at)
