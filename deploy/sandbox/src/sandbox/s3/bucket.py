"""What can be done to the bucket: list it, empty it, give it lifecycle rules."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from urllib.parse import quote
from xml.etree.ElementTree import ParseError

from aiohttp import web

from sandbox.s3.call import Call
from sandbox.s3.lifecycle import iso
from sandbox.s3.objects import xml
from sandbox.s3.payload import read_payload
from sandbox.s3.problem import S3Problem
from sandbox.s3.state import Bucket
from sandbox.s3.store import Store
from sandbox.s3.xml import parse

_PAGE = 1000


async def create_bucket(_: Call, bucket: Bucket) -> web.Response:
    """CreateBucket of the bucket that is already there, as its owner sees it."""
    message = "Your previous request to create the named bucket succeeded and you already own it."
    raise S3Problem(409, "BucketAlreadyOwnedByYou", message, BucketName=bucket.name)


async def head_bucket(_: Call, __: Bucket) -> web.Response:
    """HeadBucket."""
    return web.Response(headers={"x-amz-bucket-region": "us-east-1"}, content_type="application/xml")


async def list_objects(call: Call, bucket: Bucket) -> web.Response:
    """ListObjectsV2, and ListObjects for older clients."""
    query = call.query
    v2 = query.get("list-type") == "2"
    after = query.get("continuation-token") or query.get("start-after") if v2 else query.get("marker")
    most = min(_limit(query.get("max-keys", str(_PAGE))), _PAGE)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    names, more = _page(bucket.store, prefix, delimiter, after or "", most)
    encode: Callable[[str], str] = _url if query.get("encoding-type") == "url" else str
    groups = [name for name in names if delimiter and delimiter in name[len(prefix) :]]
    keys = [name for name in names if name not in set(groups)]
    elements: dict[str, object] = {
        "Name": bucket.name,
        "Prefix": encode(prefix),
        "MaxKeys": most,
        "IsTruncated": more,
        **({"EncodingType": "url"} if query.get("encoding-type") == "url" else {}),
        **({"Delimiter": encode(delimiter)} if delimiter else {}),
        **_cursor(names, encode, v2=v2, more=more),
        "Contents": [_described(bucket.store, key, encode) for key in keys],
        "CommonPrefixes": [{"Prefix": encode(group)} for group in groups],
    }
    return xml("ListBucketResult", elements)


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise S3Problem(400, "InvalidArgument", "Provided max-keys not an integer or within integer range")
    return int(text)


def _page(store: Store, prefix: str, delimiter: str, after: str, most: int) -> tuple[list[str], bool]:
    """Return the next names, keys or groups of keys, and whether more follow."""
    names: list[str] = []
    for key in store.keys(prefix, after):
        name = _group(key, prefix, delimiter)
        if name == after or (names and names[-1] == name):
            continue
        if len(names) == most:
            return names, most > 0
        names.append(name)
    return names, False


def _group(key: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return key
    end = key.find(delimiter, len(prefix))
    return key if end < 0 else key[: end + len(delimiter)]


def _url(text: str) -> str:
    return quote(text, safe="/")


def _cursor(names: list[str], encode: Callable[[str], str], *, v2: bool, more: bool) -> dict[str, object]:
    if v2:
        # The token is opaque to clients and comes back as it was given, so it is never encoded.
        return {"KeyCount": len(names)} | ({"NextContinuationToken": names[-1]} if more else {})
    return {"NextMarker": encode(names[-1])} if more else {}


def _described(store: Store, key: str, encode: Callable[[str], str]) -> dict[str, object]:
    stored = store.get(key)
    if stored is None:
        raise KeyError(key)
    return {
        "Key": encode(key),
        "LastModified": iso(stored.modified),
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": "STANDARD",
    }


async def delete_objects(call: Call, bucket: Bucket) -> web.Response:
    """DeleteObjects: up to a thousand keys at once."""
    payload = await read_payload(call)
    try:
        root = parse(payload.body)
    except ParseError:
        raise _malformed() from None
    keys = [element.findtext("Key", "") for element in islice(root.iter("Object"), _PAGE + 1)]
    if not keys or len(keys) > _PAGE or "" in keys:
        raise _malformed()
    for key in keys:
        bucket.store.delete(key)
    quiet = root.findtext("Quiet") == "true"
    return xml("DeleteResult", {"Deleted": [] if quiet else [{"Key": key} for key in keys]})


def _malformed() -> S3Problem:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return S3Problem(400, "MalformedXML", message)


async def get_lifecycle(_: Call, bucket: Bucket) -> web.Response:
    """GetBucketLifecycleConfiguration."""
    if not bucket.lifecycle.document:
        message = "The lifecycle configuration does not exist"
        raise S3Problem(404, "NoSuchLifecycleConfiguration", message, BucketName=bucket.name)
    return web.Response(body=bucket.lifecycle.document, content_type="application/xml")


async def put_lifecycle(call: Call, bucket: Bucket) -> web.Response:
    """PutBucketLifecycleConfiguration."""
    bucket.lifecycle.replace((await read_payload(call)).body)
    return web.Response()


async def delete_lifecycle(_: Call, bucket: Bucket) -> web.Response:
    """DeleteBucketLifecycle."""
    bucket.lifecycle.replace(b"")
    return web.Response(status=204)
