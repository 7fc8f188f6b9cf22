"""One request as S3 understands it: path-style address, decoded key, decoded query."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from aiohttp import web

from sandbox.s3.problem import S3Problem

_NOT_SUBRESOURCES = ("x-amz-", "response-")
_PLAIN_PARAMETERS = frozenset({"x-id", "versionid"})


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asks: method, bucket, key (empty for the bucket itself) and the decoded query."""

    request: web.BaseRequest
    method: str
    path: str
    query: dict[str, str]
    bucket: str
    key: str

    @property
    def action(self) -> frozenset[str]:
        """The query parameters that choose the operation, such as `lifecycle` or `uploadId`."""
        return frozenset(
            name
            for name in self.query
            if not name.lower().startswith(_NOT_SUBRESOURCES) and name.lower() not in _PLAIN_PARAMETERS
        )

    def header(self, name: str, default: str = "") -> str:
        """Return one request header, or the default."""
        return self.request.headers.get(name, default)

    def canonical_path(self) -> str:
        """Return the path encoded once, as AWS encodes it, however the client wrote it."""
        return quote(self.path, safe="/")


def parse_call(request: web.BaseRequest) -> Call:
    """Read the raw request target; the framework's own decoding would lose what the signature covers."""
    raw_path, _, raw_query = request.raw_path.partition("?")
    try:
        path = unquote(raw_path, errors="strict")
    except UnicodeDecodeError:
        raise S3Problem(400, "InvalidURI", "Couldn't parse the specified URI.") from None
    pairs = (pair.partition("=") for pair in raw_query.split("&") if pair)
    query = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    bucket, _, key = path.removeprefix("/").partition("/")
    return Call(request, request.method, path, query, bucket, key)
