"""The S3 stand-in as a web application: authenticate, authorize, find the operation, answer in S3's words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from aiohttp import web

from sandbox.s3 import bucket as on_bucket
from sandbox.s3 import objects, parts
from sandbox.s3.call import Call, parse_call
from sandbox.s3.payload import LARGEST_BODY, read_payload
from sandbox.s3.policy import authorize
from sandbox.s3.problem import S3Problem
from sandbox.s3.signature import Key, authenticate
from sandbox.s3.state import BUCKET, Bucket, open_bucket

Operation = Callable[[Call, Bucket], Awaitable[web.Response]]

# Parameters that page or shape an answer without choosing another operation.
_LISTING = frozenset(
    {
        "list-type", "prefix", "delimiter", "max-keys", "marker",
        "continuation-token", "start-after", "encoding-type", "fetch-owner",
    }
)  # fmt: skip
_ON_BUCKET: dict[tuple[str, frozenset[str]], Operation] = {
    ("PUT", frozenset()): on_bucket.create_bucket,
    ("HEAD", frozenset()): on_bucket.head_bucket,
    ("GET", frozenset()): on_bucket.list_objects,
    ("POST", frozenset({"delete"})): on_bucket.delete_objects,
    ("GET", frozenset({"lifecycle"})): on_bucket.get_lifecycle,
    ("PUT", frozenset({"lifecycle"})): on_bucket.put_lifecycle,
    ("DELETE", frozenset({"lifecycle"})): on_bucket.delete_lifecycle,
}
_ON_OBJECT: dict[tuple[str, frozenset[str]], Operation] = {
    ("PUT", frozenset()): objects.put_object,
    ("DELETE", frozenset()): objects.delete_object,
    ("POST", frozenset({"uploads"})): parts.create_upload,
    ("PUT", frozenset({"partNumber", "uploadId"})): parts.upload_part,
    ("POST", frozenset({"uploadId"})): parts.complete_upload,
    ("DELETE", frozenset({"uploadId"})): parts.abort_upload,
}
# What moto would take in and never carry out here is refused, so that nobody builds on it.
_REFUSED = frozenset({"versioning", "replication", "notification", "website", "uploads", "uploadId"})


class S3Settings(Protocol):
    """What the S3 stand-in reads of the sandbox's settings."""

    @property
    def s3_keys(self) -> Mapping[str, Key]:
        """Access key -> secret and policy."""

    @property
    def s3_bucket(self) -> str:
        """The one bucket."""

    @property
    def ca_dir(self) -> Path:
        """The folder of the sandbox's certificate authority; objects are kept beside it."""


def create_app(settings: S3Settings) -> web.Application:
    """Build the application; serve it by a runner with `auto_decompress=False`, or signed bodies change.

    Objects are kept in `SANDBOX_DATA_DIR`, else in the folder `s3` beside the certificate authority's.
    """
    folder = Path(os.environ.get("SANDBOX_DATA_DIR") or settings.ca_dir.parent / "s3")
    app = web.Application(client_max_size=LARGEST_BODY)
    app[BUCKET] = open_bucket(folder, settings.s3_bucket, settings.s3_keys)
    app.router.add_route("*", "/{path:.*}", serve)
    app.cleanup_ctx.append(_end_of_rest)
    return app


async def _end_of_rest(app: web.Application) -> AsyncIterator[None]:
    yield
    app[BUCKET].rest.close()


async def serve(request: web.Request) -> web.Response:
    """Answer one request, whatever it asks."""
    bucket = request.app[BUCKET]
    try:
        response = await _answer(request, bucket)
    except S3Problem as problem:
        response = problem.response(request.path, uuid4().hex, with_body=request.method != "HEAD")
    response.headers["x-amz-request-id"] = uuid4().hex
    response.headers["Server"] = "AmazonS3"
    if origin := request.headers.get("Origin"):
        response.headers.update(_cross_origin(origin))
    return response


async def _answer(request: web.Request, bucket: Bucket) -> web.Response:
    if request.method == "OPTIONS":
        return _preflight(request)
    await _suffer(request.method, bucket)
    call = parse_call(request)
    key = authenticate(call, bucket.keys)
    authorize(call, key["policy"], bucket.name)
    if call.key and call.method in {"GET", "HEAD"} and not call.action - {"partNumber"}:
        return await objects.get_object(call, bucket, key["policy"])
    operation = _operation(call)
    if operation is not None:
        return await operation(call, bucket)
    return await _rest(call, request, bucket)


async def _suffer(method: str, bucket: Bucket) -> None:
    """Apply the faults that the control API asked for."""
    if not bucket.faults.concern(method):
        return
    if bucket.faults.slow_ms:
        await asyncio.sleep(bucket.faults.slow_ms / 1000)
    if bucket.faults.take_slow_down():
        raise S3Problem(503, "SlowDown", "Please reduce your request rate.")


def _operation(call: Call) -> Operation | None:
    if call.key:
        return _ON_OBJECT.get((call.method, call.action))
    return _ON_BUCKET.get((call.method, call.action - _LISTING))


async def _rest(call: Call, request: web.Request, bucket: Bucket) -> web.Response:
    if not call.action or call.action & _REFUSED:
        message = "A header you provided implies functionality that is not implemented."
        raise S3Problem(501, "NotImplemented", message)
    body = (await read_payload(call)).body
    return await bucket.rest.answer(request, call.key, body, bucket.store)


def _cross_origin(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "ETag, x-amz-request-id",
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


def _preflight(request: web.Request) -> web.Response:
    """Allow every origin, as a bucket with a permissive CORS configuration does; the signature decides."""
    asked = request.headers.get("Access-Control-Request-Method")
    if not (asked and request.headers.get("Origin")):
        message = "Insufficient information. Origin request header needed."
        raise S3Problem(400, "BadRequest", message)
    headers = {"Access-Control-Allow-Methods": "GET, HEAD, PUT", "Access-Control-Max-Age": "3000"}
    if wanted := request.headers.get("Access-Control-Request-Headers"):
        headers["Access-Control-Allow-Headers"] = wanted
    return web.Response(headers=headers)
