"""The gateway's links to the bucket are those that the whole client of S3 would sign."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from gateway.adapters.outbound.links import disposition
from gateway.adapters.outbound.s3 import S3, UPLOADS_LIVE

KEY = "images/a b+ü~(1)/1.jpg"
PLACES = [
    ("http://127.0.0.1:9", "us-east-1", "atelier"),
    ("https://store.example/", "eu-central-1", "my.bucket"),
    (None, "us-east-1", "atelier"),
    (None, "eu-central-1", "atelier"),
    (None, "eu-central-1", "my.bucket"),
    (None, "cn-north-1", "atelier"),
    (None, "us-gov-west-1", "my.bucket"),
]


@pytest.mark.parametrize(("endpoint", "region", "bucket"), PLACES)
def test_a_link_is_signed_as_the_client_signs_it(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, region: str, bucket: str
):
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now.replace(tzinfo=None))
    ours = S3(endpoint, bucket, region, "AK", "SK")
    # "auto" would lead to the one old address of S3, which sends on to the region without the signature.
    style = "path" if endpoint or "." in bucket else "virtual"
    theirs = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="AK",
        aws_secret_access_key="SK",
        config=Config(signature_version="s3v4", s3={"addressing_style": style}),
    )
    shown = {"Bucket": bucket, "Key": KEY, "ResponseContentDisposition": disposition("a-1.jpg")}
    put = {"Bucket": bucket, "Key": KEY, "ContentType": "image/png", "ContentLength": 7}

    assert ours.sign(KEY, now, now + timedelta(seconds=77), "a-1.jpg") == theirs.generate_presigned_url(
        "get_object", shown, ExpiresIn=77
    )
    assert ours.sign(KEY, now, now + timedelta(seconds=77), None) == theirs.generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": KEY}, ExpiresIn=77
    )
    assert ours.upload(KEY, "image/png", 7).url == theirs.generate_presigned_url(
        "put_object", put, ExpiresIn=UPLOADS_LIVE
    )
