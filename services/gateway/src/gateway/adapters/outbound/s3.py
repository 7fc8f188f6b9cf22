"""Signed links to the private bucket; signing is arithmetic, nothing is asked of S3."""

from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config

from gateway.adapters.outbound.links import disposition
from gateway.application.ports import UploadLink

UPLOADS_LIVE = 900


class S3:
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

    def sign(self, key: str, now: datetime, until: datetime, name: str | None) -> str:
        """Sign a link that shows an object until then, or saves it under a name."""
        what = {"Bucket": self._bucket, "Key": key}
        if name:
            what["ResponseContentDisposition"] = disposition(name)
        seconds = int((until - now).total_seconds())
        return self._client.generate_presigned_url("get_object", what, ExpiresIn=seconds)

    def upload(self, key: str, content_type: str, size: int) -> UploadLink:
        """Sign a link that takes one object of just this type and size: both headers are signed."""
        what = {"Bucket": self._bucket, "Key": key, "ContentType": content_type, "ContentLength": size}
        link = self._client.generate_presigned_url("put_object", what, ExpiresIn=UPLOADS_LIVE)
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        return UploadLink(link, headers, datetime.now(UTC) + timedelta(seconds=UPLOADS_LIVE))
