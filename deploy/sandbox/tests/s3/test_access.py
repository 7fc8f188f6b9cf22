"""Who may do what in the S3 stand-in: links, signatures, rights, browsers."""

import time
from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config

from .stand import BUCKET, code_of, fetch


def link(client, key, *, method="get_object", seconds=60, **params):
    return client.generate_presigned_url(method, {"Bucket": BUCKET, "Key": key, **params}, ExpiresIn=seconds)


def test_a_link_opens_the_object_and_names_the_download(jobs, gateway):
    jobs.put_object(Bucket=BUCKET, Key="images/ä 1.webp", Body=b"pixels", ContentType="image/webp")
    url = link(
        gateway,
        "images/ä 1.webp",
        ResponseContentDisposition='attachment; filename="one two.webp"',
        ResponseContentType="image/x-told",
    )
    status, headers, body = fetch("GET", url)
    assert (status, body) == (200, b"pixels")
    assert headers["Content-Disposition"] == 'attachment; filename="one two.webp"'
    assert headers["Content-Type"] == "image/x-told"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("images/1.webp", "images/2.webp"),
        ("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("?", "?response-content-type=text%2Fhtml&"),
    ],
)
def test_a_forged_link_is_refused(jobs, gateway, old, new):
    for n in (1, 2):
        jobs.put_object(Bucket=BUCKET, Key=f"images/{n}.webp", Body=b"pixels")
    status, _, body = fetch("GET", link(gateway, "images/1.webp").replace(old, new, 1))
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body


def test_a_link_opens_nothing_by_another_method(jobs, gateway):
    assert fetch("PUT", link(gateway, "uploads/1"), b"x")[0] == 403


def test_an_expired_link_is_refused(jobs, gateway):
    jobs.put_object(Bucket=BUCKET, Key="images/1.webp", Body=b"pixels")
    url = link(gateway, "images/1.webp", seconds=1)
    time.sleep(1.1)
    status, _, body = fetch("GET", url)
    assert status == 403
    assert b"<Message>Request has expired</Message>" in body


@pytest.mark.parametrize("seconds", [0, 604801])
def test_a_link_that_lives_too_long_is_refused(jobs, gateway, seconds):
    assert fetch("GET", link(gateway, "images/1.webp", seconds=seconds))[0] == 400


def test_strangers_and_wrong_secrets_are_refused(sandbox, jobs):
    jobs.put_object(Bucket=BUCKET, Key="images/1.webp", Body=b"pixels")
    status, _, body = fetch("GET", f"{sandbox.url}/{BUCKET}/images/1.webp")
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in body
    stranger, liar = sandbox.client("nobody", "x"), sandbox.client("jobs-key", "wrong")
    assert code_of(lambda: stranger.list_objects_v2(Bucket=BUCKET)) == "InvalidAccessKeyId"
    assert code_of(lambda: liar.list_objects_v2(Bucket=BUCKET)) == "SignatureDoesNotMatch"
    stranger.close()
    liar.close()


def test_an_old_signature_version_is_refused(sandbox, jobs):
    old = boto3.client(
        "s3",
        endpoint_url=sandbox.url,
        region_name="us-east-1",
        aws_access_key_id="jobs-key",
        aws_secret_access_key="jobs-secret",
        config=Config(signature_version="s3"),
    )
    status, _, body = fetch("GET", link(old, "images/1.webp"))
    assert (status, b"AWS4-HMAC-SHA256" in body) == (400, True)
    old.close()


def test_a_replayed_request_of_yesterday_is_refused(sandbox, jobs):
    late = sandbox.client()
    stale = datetime(2020, 1, 1, tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ")
    late.meta.events.register(
        "before-send.s3.ListObjectsV2",
        lambda request, **_: request.headers.update(
            {
                "X-Amz-Date": stale,
                "Authorization": request.headers["Authorization"]
                .decode()
                .replace(datetime.now(UTC).strftime("/%Y%m%d/"), "/20200101/"),
            }
        ),
    )
    assert code_of(lambda: late.list_objects_v2(Bucket=BUCKET)) == "RequestTimeTooSkewed"
    late.close()


def test_the_gateway_reads_everything_and_uploads_in_its_place_only(jobs, gateway):
    jobs.put_object(Bucket=BUCKET, Key="images/1.webp", Body=b"pixels")
    assert gateway.get_object(Bucket=BUCKET, Key="images/1.webp")["Body"].read() == b"pixels"
    gateway.put_object(Bucket=BUCKET, Key="uploads/t/1", Body=b"mine")
    refused = [
        lambda: gateway.put_object(Bucket=BUCKET, Key="images/1.webp", Body=b"mine"),
        lambda: gateway.put_object(Bucket=BUCKET, Key="uploads", Body=b"mine"),
        lambda: gateway.delete_object(Bucket=BUCKET, Key="uploads/t/1"),
        lambda: gateway.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "uploads/t/1"}]}),
        lambda: gateway.list_objects_v2(Bucket=BUCKET),
        lambda: gateway.get_bucket_lifecycle_configuration(Bucket=BUCKET),
        lambda: gateway.put_object_tagging(Bucket=BUCKET, Key="uploads/t/1", Tagging={"TagSet": []}),
        lambda: gateway.get_object(Bucket=BUCKET, Key="missing"),
    ]
    assert [code_of(work) for work in refused] == ["AccessDenied"] * len(refused)
    assert jobs.get_object(Bucket=BUCKET, Key="images/1.webp")["Body"].read() == b"pixels"


def test_the_other_bucket_is_closed(jobs):
    assert code_of(lambda: jobs.list_objects_v2(Bucket="others")) == "AccessDenied"


def test_an_upload_link_binds_length_and_type(jobs, gateway):
    url = link(gateway, "uploads/t/1", method="put_object", ContentLength=6, ContentType="image/png")
    told = {"Content-Type": "image/png"}
    assert fetch("PUT", url, b"pixels too many", told)[0] == 403
    assert fetch("PUT", url, b"pixels", {"Content-Type": "text/html"})[0] == 403
    assert fetch("PUT", url, b"pixels", told | {"x-amz-meta-role": "admin"})[0] == 403
    assert fetch("PUT", url, b"pixels", told)[0] == 200
    assert jobs.head_object(Bucket=BUCKET, Key="uploads/t/1")["ContentType"] == "image/png"


def test_a_browser_may_upload_by_a_link(jobs, gateway):
    url = link(gateway, "uploads/t/1", method="put_object", ContentType="image/png")
    asks = {
        "Origin": "https://atelier.test",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    status, headers, _ = fetch("OPTIONS", url, headers=asks)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "https://atelier.test"
    assert "PUT" in headers["Access-Control-Allow-Methods"]
    assert headers["Access-Control-Allow-Headers"] == "content-type"
    put = {"Origin": "https://atelier.test", "Content-Type": "image/png"}
    status, headers, _ = fetch("PUT", url, b"pixels", put)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://atelier.test")
