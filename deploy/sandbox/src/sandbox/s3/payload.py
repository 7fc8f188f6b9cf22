"""The body of a write: read, unwrapped from aws-chunked, and compared with every digest the client gave."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.s3.call import Call
from sandbox.s3.problem import S3Problem
from sandbox.s3.signature import UNSIGNED

LARGEST_BODY = 1 << 30
_CHECKSUM = "x-amz-checksum-"
_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

# CRC32C and CRC64NVME are kept and given back, but not computed: the standard library has neither.
_COMPUTED: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
_KNOWN = frozenset(_COMPUTED) | {"crc32c", "crc64nvme"}


@dataclass(frozen=True, slots=True)
class Payload:
    """A verified body and the checksum headers that came with it."""

    body: bytes
    checksums: dict[str, str]


async def read_payload(call: Call) -> Payload:
    """Read the whole body and check its length and digests.

    Raises:
        S3Problem: the body is too large, cut short, or not the one that was signed or summed.
    """
    body = await _read(call)
    trailers: dict[str, str] = {}
    declared = call.header("x-amz-content-sha256") or UNSIGNED
    if declared == _UNSIGNED_TRAILER:
        body, trailers = decode_chunks(body)
        _check_length(call, body)
    elif declared.startswith("STREAMING-"):
        raise S3Problem(501, "NotImplemented", f"The sandbox does not read {declared} bodies.")
    elif declared != UNSIGNED and hashlib.sha256(body).hexdigest() != declared:
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Problem(400, "XAmzContentSHA256Mismatch", message)
    checksums = _checksums(call) | trailers
    _check_digests(call, body, checksums)
    return Payload(body, checksums)


async def _read(call: Call) -> bytes:
    try:
        return await call.request.read()
    except web.HTTPRequestEntityTooLarge:
        message = "Your proposed upload exceeds the maximum allowed object size."
        raise S3Problem(400, "EntityTooLarge", message) from None


def decode_chunks(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Unwrap aws-chunked framing: hexadecimal size, data, ..., size 0, then trailing headers."""
    chunks: list[bytes] = []
    position = 0
    try:
        while True:
            line_end = body.index(b"\r\n", position)
            size = int(body[position:line_end].partition(b";")[0], 16)
            start = line_end + 2
            if size == 0:
                return b"".join(chunks), _trailers(body[start:])
            chunks.append(body[start : start + size])
            position = start + size
            if body[position : position + 2] != b"\r\n":
                raise ValueError
            position += 2
    except ValueError:
        message = "The request body terminated unexpectedly or is not aws-chunked."
        raise S3Problem(400, "IncompleteBody", message) from None


def _trailers(rest: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in rest.decode("latin-1").split("\r\n") if line)
    pairs = ((name.strip().lower(), value.strip()) for name, _, value in lines)
    return {name: value for name, value in pairs if _is_checksum(name)}


def _check_length(call: Call, body: bytes) -> None:
    expected = call.header("x-amz-decoded-content-length")
    if expected != str(len(body)):
        message = "You did not provide the number of bytes specified by the Content-Length HTTP header."
        raise S3Problem(400, "IncompleteBody", message)


def _checksums(call: Call) -> dict[str, str]:
    pairs = ((name.lower(), value) for name, value in call.request.headers.items())
    return {name: value for name, value in pairs if _is_checksum(name)}


def _is_checksum(name: str) -> bool:
    return name.startswith(_CHECKSUM) and name.removeprefix(_CHECKSUM) in _KNOWN


def _check_digests(call: Call, body: bytes, checksums: dict[str, str]) -> None:
    for name, value in checksums.items():
        algorithm = name.removeprefix(_CHECKSUM)
        compute = _COMPUTED.get(algorithm)
        if compute and base64.b64encode(compute(body)).decode() != value:
            message = f"The {algorithm.upper()} you specified did not match the calculated checksum."
            raise S3Problem(400, "BadDigest", message)
    md5 = call.header("Content-MD5")
    if md5 and base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() != md5:
        raise S3Problem(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
