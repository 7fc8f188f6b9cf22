"""Signed links to the private bucket; signing is arithmetic, nothing is asked of S3.

botocore's own signer signs them. Its client, which reads the whole description of S3 to put an address and a
signature together, takes 25 MB of each process and twenty times as long; a test compares the links of both.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.adapters.outbound.links import disposition
from gateway.application.ports import UploadLink

UPLOADS_LIVE = 900


class S3:
    """Signs links with the gateway's own credentials, for the endpoint that clients reach."""

    def __init__(self, endpoint: str | None, bucket: str, region: str, key_id: str, secret: str) -> None:
        self._place = _place(endpoint, bucket, region)
        self._region, self._credentials = region, Credentials(key_id, secret)

    def sign(self, key: str, now: datetime, until: datetime, name: str | None) -> str:
        """Sign a link that shows an object until then, or saves it under a name."""
        query = {"response-content-disposition": disposition(name)} if name else {}
        return self._link("GET", key, int((until - now).total_seconds()), query=query)

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size: both headers are signed."""
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        link = self._link("PUT", key, UPLOADS_LIVE, headers=headers)
        return UploadLink(link, headers, datetime.now(UTC) + timedelta(seconds=UPLOADS_LIVE))

    def _link(
        self,
        method: str,
        key: str,
        seconds: int,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        request = AWSRequest(
            method, f"{self._place}/{quote(key, safe='/~')}", dict(headers or {}), params=query
        )
        S3SigV4QueryAuth(self._credentials, "s3", self._region, expires=seconds).add_auth(request)
        return str(request.url)


def _place(endpoint: str | None, bucket: str, region: str) -> str:
    """Tell where a bucket is: under the endpoint, or in S3 itself under a name of its own where it can be."""
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    host = f"s3.{domain}" if region == "us-east-1" else f"s3.{region}.{domain}"
    # A certificate for *.s3.amazonaws.com does not cover names with dots.
    return f"https://{host}/{bucket}" if "." in bucket else f"https://{bucket}.{host}"
