"""Amazon's signature, version 4, in the address of a request.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import SplitResult, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs addresses of S3 in one region with one key."""

    region: str
    key_id: str
    secret: str

    def sign(
        self,
        method: str,
        url: str,
        now: datetime,
        seconds: int,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> str:
        """Sign a request with this query and these headers for so long; the address has its path encoded."""
        place, time = urlsplit(url), now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{time[:8]}/{self.region}/s3/aws4_request"
        signed = {name.lower(): value.strip() for name, value in headers.items()} | {"host": _host(place)}
        names = ";".join(sorted(signed))
        asked = {
            **query,
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.key_id}/{scope}",
            "X-Amz-Date": time,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": names,
        }
        pairs = [f"{_encoded(name)}={_encoded(value)}" for name, value in asked.items()]
        lines = [method, place.path, "&".join(sorted(pairs))]
        lines += [f"{name}:{signed[name]}" for name in sorted(signed)]
        request = "\n".join([*lines, "", names, "UNSIGNED-PAYLOAD"])
        said = "\n".join([_ALGORITHM, time, scope, sha256(request.encode()).hexdigest()])
        signature = hmac.digest(_key(self.secret, scope), said.encode(), "sha256").hex()
        return f"{url}?{'&'.join(pairs)}&X-Amz-Signature={signature}"


def _host(place: SplitResult) -> str:
    """Name the host as a client does: in small letters, and the usual port not at all."""
    usual = (place.scheme, place.port) in (("http", 80), ("https", 443))
    return (place.netloc.rpartition(":")[0] if usual else place.netloc).lower()


@lru_cache(maxsize=4)  # a day has one
def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
