"""Signed links to the private bucket; signing is arithmetic, nothing is asked of S3."""

import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config

from gateway.application.ports import UploadLink

LINKS_LIVE = 3600
UPLOADS_LIVE = 900
_REMEMBERED = 20_000


class S3Links:
    """Signs links with the gateway's own credentials, for the endpoint that clients reach."""

    def __init__(self, endpoint: str | None, bucket: str, region: str, key_id: str, secret: str) -> None:
        self._bucket = bucket
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path" if endpoint else "auto"}),
        )
        self._signed: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def read(self, key: str) -> str:
        """Sign a link that shows an object; the same one for half of its life, so that it can be cached."""
        now = time.monotonic()
        known = self._signed.get(key)
        if known and known[0] > now:
            return known[1]
        link = self._client.generate_presigned_url(
            "get_object", {"Bucket": self._bucket, "Key": key}, ExpiresIn=LINKS_LIVE
        )
        self._signed[key] = (now + LINKS_LIVE / 2, link)
        self._signed.move_to_end(key)
        while len(self._signed) > _REMEMBERED:
            self._signed.popitem(last=False)
        return link

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size: both headers are signed."""
        what = {"Bucket": self._bucket, "Key": key, "ContentType": content_type, "ContentLength": size}
        link = self._client.generate_presigned_url("put_object", what, ExpiresIn=UPLOADS_LIVE)
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        return UploadLink(link, headers, datetime.now(UTC) + timedelta(seconds=UPLOADS_LIVE))
