"""Uploads in parts, as S3 operations."""

from __future__ import annotations

import re

from aiohttp import web

from sandbox.s3.call import Call
from sandbox.s3.objects import check_key, copy_source, kept_headers, xml
from sandbox.s3.payload import read_payload
from sandbox.s3.problem import S3Problem
from sandbox.s3.state import Bucket

_LAST_PART = 10_000


async def create_upload(call: Call, bucket: Bucket) -> web.Response:
    """CreateMultipartUpload."""
    check_key(call.key)
    upload_id = bucket.uploads.begin(call.key, kept_headers(call))
    return xml(
        "InitiateMultipartUploadResult", {"Bucket": bucket.name, "Key": call.key, "UploadId": upload_id}
    )


async def upload_part(call: Call, bucket: Bucket) -> web.Response:
    """UploadPart and UploadPartCopy."""
    upload = bucket.uploads.find(call.query["uploadId"], call.key)
    text = call.query["partNumber"]
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= _LAST_PART:
        message = f"Part number must be an integer between 1 and {_LAST_PART}, inclusive"
        raise S3Problem(400, "InvalidArgument", message, ArgumentName="partNumber")
    if call.header("x-amz-copy-source"):
        return xml("CopyPartResult", {"ETag": f'"{upload.add(number, _copied(call, bucket))}"'})
    payload = await read_payload(call)
    return web.Response(headers={"ETag": f'"{upload.add(number, payload.body)}"'} | payload.checksums)


def _copied(call: Call, bucket: Bucket) -> bytes:
    source = copy_source(call, bucket)
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", call.header("x-amz-copy-source-range"))
    if asked is None:
        return bucket.store.read(source)
    first, last = int(asked.group(1)), int(asked.group(2))
    return bucket.store.read(source, first, last - first + 1)


async def complete_upload(call: Call, bucket: Bucket) -> web.Response:
    """CompleteMultipartUpload."""
    upload_id = call.query["uploadId"]
    upload = bucket.uploads.find(upload_id, call.key)
    body, etag = upload.join((await read_payload(call)).body)
    stored = bucket.store.put(call.key, body, upload.headers, etag)
    bucket.uploads.end(upload_id)
    return xml(
        "CompleteMultipartUploadResult",
        {"Bucket": bucket.name, "Key": call.key, "ETag": f'"{stored.etag}"'},
    )


async def abort_upload(call: Call, bucket: Bucket) -> web.Response:
    """AbortMultipartUpload."""
    bucket.uploads.find(call.query["uploadId"], call.key)
    bucket.uploads.end(call.query["uploadId"])
    return web.Response(status=204)
