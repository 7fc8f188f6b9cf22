"""What can be done to one object."""

from __future__ import annotations

import re
from email.utils import formatdate
from urllib.parse import unquote

from aiohttp import web

from sandbox.s3.call import Call
from sandbox.s3.lifecycle import iso
from sandbox.s3.payload import read_payload
from sandbox.s3.policy import may_list
from sandbox.s3.problem import S3Problem, access_denied
from sandbox.s3.state import Bucket
from sandbox.s3.store import Stored
from sandbox.s3.xml import document

_LONGEST_KEY = 1024
_KEPT = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
)
_OVERRIDES = ("type", "disposition", "encoding", "language")
_CHECKSUM = "x-amz-checksum-"


async def put_object(call: Call, bucket: Bucket) -> web.Response:
    """PutObject, with its conditions checked when the body is there, in one step with the write."""
    if call.header("x-amz-copy-source"):
        return await copy_object(call, bucket)
    payload = await read_payload(call)
    check_key(call.key)
    _check_write_conditions(call, bucket.store.get(call.key))
    stored = bucket.store.put(call.key, payload.body, kept_headers(call) | payload.checksums)
    return web.Response(headers=written_headers(stored, bucket) | payload.checksums)


async def get_object(call: Call, bucket: Bucket, policy: str) -> web.Response:
    """GetObject and HeadObject: conditions, one range, overridden headers."""
    stored = find(call.key, bucket, policy)
    headers = _read_headers(call, stored) | bucket.lifecycle.expiration(stored)
    if (unchanged := _check_read_conditions(call, stored, headers)) is not None:
        return unchanged
    start, length, status = _range(call, stored)
    if status == 206:
        headers = {name: value for name, value in headers.items() if not name.startswith(_CHECKSUM)}
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
    if call.method == "HEAD":
        return web.Response(status=status, headers=headers | {"Content-Length": str(length)})
    return web.Response(status=status, headers=headers, body=bucket.store.read(stored, start, length))


async def delete_object(call: Call, bucket: Bucket) -> web.Response:
    """DeleteObject: the same answer whether or not there was one."""
    bucket.store.delete(call.key)
    return web.Response(status=204)


async def copy_object(call: Call, bucket: Bucket) -> web.Response:
    """CopyObject inside the bucket."""
    source = copy_source(call, bucket)
    replaces = call.header("x-amz-metadata-directive").upper() == "REPLACE"
    if source.key == call.key and not replaces:
        message = "This copy request is illegal because it is trying to copy an object to itself."
        raise S3Problem(400, "InvalidRequest", message)
    check_key(call.key)
    _check_write_conditions(call, bucket.store.get(call.key))
    headers = kept_headers(call) if replaces else source.headers
    stored = bucket.store.put(call.key, bucket.store.read(source), headers)
    return xml("CopyObjectResult", {"ETag": f'"{stored.etag}"', "LastModified": iso(stored.modified)})


def copy_source(call: Call, bucket: Bucket) -> Stored:
    """Return the object named in `x-amz-copy-source`."""
    path = unquote(call.header("x-amz-copy-source").partition("?versionId=")[0])
    name, _, key = path.removeprefix("/").partition("/")
    if name != bucket.name:
        raise access_denied()
    return find(key, bucket, "jobs")


def find(key: str, bucket: Bucket, policy: str) -> Stored:
    """Return an object, or refuse: who may not list the bucket does not learn what is missing in it."""
    stored = bucket.store.get(key)
    if stored is None:
        if not may_list(policy):
            raise access_denied()
        raise S3Problem(404, "NoSuchKey", "The specified key does not exist.", Key=key)
    return stored


def check_key(key: str) -> None:
    """Refuse a key longer than S3 allows."""
    if len(key.encode()) > _LONGEST_KEY:
        raise S3Problem(400, "KeyTooLongError", "Your key is too long")


def kept_headers(call: Call) -> dict[str, str]:
    """Return the headers of a write that come back on every read."""
    kept = {name: call.header(name) for name in _KEPT if call.header(name)}
    encodings = (part.strip() for part in kept.pop("content-encoding", "").split(","))
    # aws-chunked is how the body travelled, not what it is.
    encoding = ",".join(part for part in encodings if part and part != "aws-chunked")
    own = {name.lower(): value for name, value in call.request.headers.items()}
    metadata = {name: value for name, value in own.items() if name.startswith("x-amz-meta-")}
    defaults = {"content-type": "binary/octet-stream"}
    return defaults | kept | metadata | ({"content-encoding": encoding} if encoding else {})


def written_headers(stored: Stored, bucket: Bucket) -> dict[str, str]:
    """Return what S3 says about an object it has just taken."""
    encryption = "x-amz-server-side-encryption"
    kept = {encryption: stored.headers[encryption]} if encryption in stored.headers else {}
    return {"ETag": f'"{stored.etag}"'} | kept | bucket.lifecycle.expiration(stored)


def xml(root: str, elements: dict[str, object]) -> web.Response:
    """Answer with an XML document."""
    return web.Response(body=document(root, elements), content_type="application/xml")


def _read_headers(call: Call, stored: Stored) -> dict[str, str]:
    with_checksums = call.header("x-amz-checksum-mode").upper() == "ENABLED"
    headers = {
        name: value
        for name, value in stored.headers.items()
        if with_checksums or not name.startswith(_CHECKSUM)
    }
    headers |= {
        f"content-{name}": v for name in _OVERRIDES if (v := call.query.get(f"response-content-{name}"))
    }
    headers |= {name: v for name in ("cache-control", "expires") if (v := call.query.get(f"response-{name}"))}
    headers["ETag"] = f'"{stored.etag}"'
    headers["Last-Modified"] = formatdate(stored.modified, usegmt=True)
    headers["Accept-Ranges"] = "bytes"
    return headers


def _check_write_conditions(call: Call, existing: Stored | None) -> None:
    if_none_match, if_match = call.header("If-None-Match"), call.header("If-Match")
    if if_none_match and if_none_match != "*":
        message = "A header you provided implies functionality that is not implemented."
        raise S3Problem(501, "NotImplemented", message, Header="If-None-Match")
    if if_none_match and existing:
        raise _precondition_failed("If-None-Match")
    if if_match and existing is None:
        raise S3Problem(404, "NoSuchKey", "The specified key does not exist.", Key=call.key)
    if if_match and existing and not _matches(if_match, existing):
        raise _precondition_failed("If-Match")


def _check_read_conditions(call: Call, stored: Stored, headers: dict[str, str]) -> web.Response | None:
    if_match, if_none_match = call.header("If-Match"), call.header("If-None-Match")
    if if_match and not _matches(if_match, stored):
        raise _precondition_failed("If-Match")
    if if_none_match and _matches(if_none_match, stored):
        return web.Response(status=304, headers={"ETag": headers["ETag"]})
    return None


def _matches(condition: str, stored: Stored) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in condition.split(",")}
    return "*" in tags or stored.etag in tags


def _precondition_failed(condition: str) -> S3Problem:
    message = "At least one of the pre-conditions you specified did not hold"
    return S3Problem(412, "PreconditionFailed", message, Condition=condition)


def _range(call: Call, stored: Stored) -> tuple[int, int, int]:
    """Return start, length and status; several ranges, or none, mean the whole object."""
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", call.header("Range"))
    if asked is None or asked.group(0) == "bytes=-":
        return 0, stored.size, 200
    first, last = asked.groups()
    start = int(first) if first else max(0, stored.size - int(last))
    end = min(int(last), stored.size - 1) if first and last else stored.size - 1
    if start > end:
        message = "The requested range is not satisfiable"
        raise S3Problem(416, "InvalidRange", message, ActualObjectSize=str(stored.size))
    return start, end - start + 1, 206
