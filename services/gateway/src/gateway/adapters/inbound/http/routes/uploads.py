"""Putting a team's own images where jobs find them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, ConfigDict, Field, HttpUrl, StringConstraints, ValidationError

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import Body, Strict, Whole
from gateway.adapters.inbound.http.caller import IdempotencyKey, Maker, fingerprint, replayed, wish
from gateway.application.fetch_upload import fetch_upload
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
    size: Annotated[int, Field(ge=1, le=_LARGEST, strict=True, description="In bytes"), Whole]


class Upload(Body):
    """Where and how to put it: send just these headers. `key` names it in later requests, for 7 days."""

    key: str
    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_at: datetime


def _address(written: str) -> str:
    try:
        return str(HttpUrl(written))
    except ValidationError as error:
        raise ValueError("must be the address of an image") from error


# Measured as it was written: in its usual form it can be a little longer.
Address = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(_address),
    Field(json_schema_extra={"format": "uri"}),
]


class FetchBody(Strict):
    """Where an image is: a public http or https address that gives a JPEG, PNG or WebP of at most 20 MiB."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://example.com/portrait.jpg"}]})

    url: Address


class FetchedUpload(Body):
    """An image that was fetched and kept. `key` names it in later requests, for 7 days."""

    key: str
    content_type: str
    size: int


@router.post("/uploads/from-url", status_code=201, name="fetch_upload")
async def post_fetched_upload(
    body: FetchBody, caller: Maker, request: Request, api: Ports, key: IdempotencyKey = None
) -> FetchedUpload:
    """Hand an image in by its address; private addresses are refused, also behind redirects."""
    asked = wish(caller, Kind.UPLOAD, api.asking.clock(), fingerprint("fetch", body), key, verdict=GRANTED)
    name, image, again = await fetch_upload(asked, body.url, api.fetcher, api.links, api.asking.transaction)
    replayed(request, again=again)
    return FetchedUpload(key=name, content_type=image.content_type, size=len(image.data))


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
