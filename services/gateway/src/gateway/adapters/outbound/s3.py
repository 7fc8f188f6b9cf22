"""Signed links to the private bucket; signing is arithmetic, nothing is asked of S3.

botocore's client, which reads the whole description of S3 to put an address and a signature together, takes
25 MB of each process, and its signer alone 4 MB; a test compares their links with these.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from chassis.clock import Clock, utc_now
from gateway.adapters.outbound.links import disposition
from gateway.adapters.outbound.sigv4 import Signer
from gateway.application.ports import UploadLink

UPLOADS_LIVE = 900


class S3:
    """Signs links with the gateway's own credentials, for the endpoint that clients reach."""

    def __init__(
        self,
        endpoint: str | None,
        bucket: str,
        region: str,
        key_id: str,
        secret: str,
        clock: Clock = utc_now,
    ) -> None:
        self._place = _place(endpoint, bucket, region)
        self._signer, self._clock = Signer(region, key_id, secret), clock

    def sign(self, key: str, now: datetime, until: datetime, name: str | None) -> str:
        """Sign a link that shows an object until then, or saves it under a name."""
        query = {"response-content-disposition": disposition(name)} if name else {}
        seconds = int((until - now).total_seconds())
        return self._signer.sign("GET", self._address(key), now, seconds, query, {})

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size: both headers are signed."""
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        now = self._clock()
        link = self._signer.sign("PUT", self._address(key), now, UPLOADS_LIVE, {}, headers)
        return UploadLink(link, headers, now + timedelta(seconds=UPLOADS_LIVE))

    def _address(self, key: str) -> str:
        return f"{self._place}/{quote(key, safe='/~')}"


def _place(endpoint: str | None, bucket: str, region: str) -> str:
    """Tell where a bucket is: under the endpoint, or in S3 itself under a name of its own where it can be."""
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    host = f"s3.{domain}" if region == "us-east-1" else f"s3.{region}.{domain}"
    # A certificate for *.s3.amazonaws.com does not cover names with dots.
    return f"https://{host}/{bucket}" if "." in bucket else f"https://{bucket}.{host}"
