"""Putting images from a page: the file itself goes straight to the bucket."""

from fastapi import APIRouter

from gateway.adapters.inbound.dashboard.visitor import Acting
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.routes.uploads import Upload, UploadBody
from gateway.application.request_upload import request_upload
from gateway.domain.permissions import Permission
from gateway.domain.requests import GRANTED, Kind

router = APIRouter()


@router.post("/uploads")
async def upload(body: UploadBody, caller: Acting, api: Ports) -> Upload:
    """Sign a link for one image of just this type and size."""
    caller.require(Permission.GENERATE, Permission.MODELS)
    asked = wish(caller, Kind.UPLOAD, api.asking.clock(), fingerprint("upload", body), verdict=GRANTED)
    key, link, _ = await request_upload(
        asked, body.content_type, body.size, api.links, api.asking.transaction
    )
    return Upload(key=key, url=link.url, headers=dict(link.headers), expires_at=link.expires_at)
