"""The S3 stand-in, driven by unmodified boto3."""

import asyncio
import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Thread

import boto3
import pytest
import trustme
from aiohttp import web
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.s3 import control_routes, create_app

BUCKET = "atelier"
KEYS = {
    "jobs-key": {"secret": "jobs-secret", "policy": "jobs"},
    "gateway-key": {"secret": "gateway-secret", "policy": "gateway"},
}


@dataclass(frozen=True)
class Settings:
    ca_dir: Path
    s3_bucket: str = BUCKET

    @property
    def s3_keys(self):
        return KEYS


class Sandbox:
    """The S3 application, plain and over TLS, and its control API, on a loop of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever)
        self.thread.start()
        self.run(self._start())

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _start(self) -> None:
        app = create_app(Settings(ca_dir=self._folder / "ca"))
        control = web.Application()
        control.add_routes(control_routes(app))
        authority = trustme.CA()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        self.authority = self._folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self._runners = [web.AppRunner(app, auto_decompress=False), web.AppRunner(control)]
        ports = []
        for runner in self._runners:
            await runner.setup()
        for runner, context in zip((*self._runners, self._runners[0]), (None, None, tls), strict=True):
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        ports = [address[1] for runner in self._runners for address in runner.addresses]
        plain, secure, steer = ports
        self.url, self.secure_url = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{secure}"
        self.control_url = f"http://127.0.0.1:{steer}"

    def stop(self) -> None:
        for runner in self._runners:
            self.run(runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def client(self, access_key="jobs-key", secret=None, **options):
        return boto3.client(
            "s3",
            endpoint_url=options.pop("endpoint_url", self.url),
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret or KEYS[access_key]["secret"],
            config=Config(
                signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
            ),
            **options,
        )

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = fetch(method, self.control_url + path, data, {"Content-Type": "application/json"})
        assert status == 200, answer
        return json.loads(answer)


def fetch(method, url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers, refused.read()


def code_of(work):
    with pytest.raises(ClientError) as refused:
        work()
    return refused.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("s3"))
    yield running
    running.stop()


@pytest.fixture
def jobs(sandbox):
    sandbox.control("PUT", "/s3/faults", {})
    sandbox.control("DELETE", "/s3/objects")
    client = sandbox.client()
    yield client
    client.close()


@pytest.fixture
def gateway(sandbox):
    client = sandbox.client("gateway-key")
    yield client
    client.close()


def link(client, key, *, method="get_object", seconds=60, **params):
    return client.generate_presigned_url(method, {"Bucket": BUCKET, "Key": key, **params}, ExpiresIn=seconds)


@pytest.mark.parametrize("key", ["images/t/j/1.webp", "a b+c/ü%2F~'()*!&=?#.png", "x//y/./z"])
def test_an_object_comes_back_as_it_was_put(jobs, key):
    put = jobs.put_object(
        Bucket=BUCKET, Key=key, Body=b"pixels", ContentType="image/webp", Metadata={"job": "j1"}
    )
    got = jobs.get_object(Bucket=BUCKET, Key=key)
    assert got["Body"].read() == b"pixels"
    assert got["ContentType"] == "image/webp"
    assert got["Metadata"] == {"job": "j1"}
    assert put["ETag"] == got["ETag"] == '"d399848208da8b80a306af0fd62bb03f"'
    assert put["ChecksumCRC32"]
    head = jobs.head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentLength"], head["ContentType"]) == (6, "image/webp")


def test_objects_and_rules_survive_a_restart(tmp_path):
    sandbox = Sandbox(tmp_path)
    client = sandbox.client()
    client.put_object(Bucket=BUCKET, Key="models/w.safetensors", Body=b"weights", CacheControl="no-store")
    put_rules(client, ("images/", 90))
    client.close()
    sandbox.stop()
    again = Sandbox(tmp_path)
    client = again.client()
    got = client.get_object(Bucket=BUCKET, Key="models/w.safetensors")
    assert (got["Body"].read(), got["CacheControl"]) == (b"weights", "no-store")
    assert client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"][0]["Expiration"]["Days"] == 90
    client.close()
    again.stop()


def test_a_streamed_body_over_tls_arrives_with_its_trailing_checksum(sandbox, jobs):
    secure = sandbox.client(endpoint_url=sandbox.secure_url, verify=str(sandbox.authority))
    put = secure.put_object(Bucket=BUCKET, Key="k", Body=BytesIO(b"x" * 200_000), ContentEncoding="gzip")
    assert put["ChecksumCRC32"]
    got = secure.get_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"x" * 200_000
    assert got["ContentEncoding"] == "gzip"
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"]
    secure.close()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_wrong_checksum_is_refused(jobs, algorithm):
    def put():
        jobs.put_object(Bucket=BUCKET, Key="k", Body=b"pixels", **{f"Checksum{algorithm}": "AAAAAA=="})

    assert code_of(put) == "BadDigest"
    assert code_of(lambda: jobs.head_object(Bucket=BUCKET, Key="k")) == "404"


def test_a_body_that_was_changed_on_the_way_is_refused(sandbox, jobs):
    changed = sandbox.client()
    changed.meta.events.register("before-send.s3.PutObject", lambda request, **_: tamper(request))
    put = lambda: changed.put_object(Bucket=BUCKET, Key="k", Body=b"pixels")  # noqa: E731 - called by code_of
    assert code_of(put) == "XAmzContentSHA256Mismatch"
    changed.close()


def tamper(request):
    request.body = b"PIXELS"


def test_a_second_conditional_put_is_refused(jobs):
    jobs.put_object(Bucket=BUCKET, Key="k", Body=b"first", IfNoneMatch="*")
    second = lambda: jobs.put_object(Bucket=BUCKET, Key="k", Body=b"second", IfNoneMatch="*")  # noqa: E731 - called by code_of
    assert code_of(second) == "PreconditionFailed"
    assert jobs.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"first"


def test_reads_know_conditions_and_ranges(jobs):
    etag = jobs.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")["ETag"]
    part = jobs.get_object(Bucket=BUCKET, Key="k", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert jobs.get_object(Bucket=BUCKET, Key="k", Range="bytes=-3")["Body"].read() == b"789"
    assert jobs.get_object(Bucket=BUCKET, Key="k", Range="bytes=8-99")["Body"].read() == b"89"
    assert code_of(lambda: jobs.get_object(Bucket=BUCKET, Key="k", Range="bytes=10-")) == "InvalidRange"
    assert code_of(lambda: jobs.get_object(Bucket=BUCKET, Key="k", IfNoneMatch=etag)) == "304"
    assert code_of(lambda: jobs.get_object(Bucket=BUCKET, Key="k", IfMatch='"other"')) == "PreconditionFailed"


def test_a_missing_object_is_named(jobs):
    assert code_of(lambda: jobs.get_object(Bucket=BUCKET, Key="none")) == "NoSuchKey"
    jobs.delete_object(Bucket=BUCKET, Key="none")


def test_objects_are_listed_in_pages_and_groups(jobs):
    for key in ["images/a/1", "images/a/2", "images/b 1/1", "thumbs/a/1", "images/c"]:
        jobs.put_object(Bucket=BUCKET, Key=key, Body=b".")
    pages = jobs.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="images/", PaginationConfig={"PageSize": 1}
    )
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == [
        "images/a/1",
        "images/a/2",
        "images/b 1/1",
        "images/c",
    ]
    grouped = jobs.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="images/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    groups = [entry["Prefix"] for page in grouped for entry in page.get("CommonPrefixes", [])]
    assert groups == ["images/a/", "images/b 1/"]
    old = jobs.list_objects(Bucket=BUCKET, MaxKeys=2)
    assert ([entry["Key"] for entry in old["Contents"]], old["IsTruncated"]) == (
        ["images/a/1", "images/a/2"],
        True,
    )


def test_many_objects_are_deleted_at_once(jobs):
    for n in range(5):
        jobs.put_object(Bucket=BUCKET, Key=f"exports/<{n}>", Body=b".")
    answer = jobs.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": f"exports/<{n}>"} for n in range(4)]}
    )
    assert len(answer["Deleted"]) == 4
    assert jobs.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_a_copy_keeps_or_replaces_what_is_said_of_the_object(jobs):
    jobs.put_object(Bucket=BUCKET, Key="images/ä 1", Body=b"pixels", ContentType="image/png")
    source = {"Bucket": BUCKET, "Key": "images/ä 1"}
    jobs.copy_object(Bucket=BUCKET, Key="pinned/1", CopySource=source)
    assert jobs.head_object(Bucket=BUCKET, Key="pinned/1")["ContentType"] == "image/png"
    jobs.copy_object(
        Bucket=BUCKET,
        Key="pinned/1",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="image/x-other",
    )
    assert jobs.head_object(Bucket=BUCKET, Key="pinned/1")["ContentType"] == "image/x-other"
    missing = {"Bucket": BUCKET, "Key": "none"}
    assert code_of(lambda: jobs.copy_object(Bucket=BUCKET, Key="x", CopySource=missing)) == "NoSuchKey"


def test_a_large_file_is_uploaded_in_parts(jobs):
    body = bytes(range(256)) * 70_000
    config = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=6 << 20)
    jobs.upload_fileobj(BytesIO(body), BUCKET, "models/w", Config=config, ExtraArgs={"ContentType": "x/y"})
    got = jobs.get_object(Bucket=BUCKET, Key="models/w")
    assert got["Body"].read() == body
    assert got["ETag"].endswith('-3"')
    assert got["ContentType"] == "x/y"
    jobs.copy({"Bucket": BUCKET, "Key": "models/w"}, BUCKET, "models/copy", Config=config)
    assert jobs.get_object(Bucket=BUCKET, Key="models/copy")["Body"].read() == body


def test_an_aborted_upload_is_gone(jobs):
    upload = jobs.create_multipart_upload(Bucket=BUCKET, Key="models/w")["UploadId"]
    jobs.abort_multipart_upload(Bucket=BUCKET, Key="models/w", UploadId=upload)
    again = lambda: jobs.upload_part(Bucket=BUCKET, Key="models/w", UploadId=upload, PartNumber=1, Body=b".")  # noqa: E731 - called by code_of
    assert code_of(again) == "NoSuchUpload"


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


def put_rules(client, *rules):
    client.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": f"after {days}",
                    "Status": "Enabled",
                    "Filter": {"Prefix": prefix},
                    "Expiration": {"Days": days},
                }
                for prefix, days in rules
            ]
        },
    )


def test_lifecycle_rules_are_carried_out_when_the_clock_moves(sandbox, jobs):
    put_rules(jobs, ("images/", 90), ("uploads/", 7))
    for key in ["images/1", "uploads/1", "models/1"]:
        jobs.put_object(Bucket=BUCKET, Key=key, Body=b".")
    assert 'rule-id="after%2090"' in jobs.head_object(Bucket=BUCKET, Key="images/1")["Expiration"]
    assert sandbox.control("POST", "/s3/clock", {"advance_days": 8})["expired"] == ["uploads/1"]
    jobs.put_object(Bucket=BUCKET, Key="images/2", Body=b".")
    assert sandbox.control("POST", "/s3/clock", {"advance_days": 83})["expired"] == ["images/1"]
    left = sandbox.control("GET", "/s3/objects")["objects"]
    assert [entry["key"] for entry in left] == ["images/2", "models/1"]
    jobs.delete_bucket_lifecycle(Bucket=BUCKET)
    work = lambda: jobs.get_bucket_lifecycle_configuration(Bucket=BUCKET)  # noqa: E731 - called by code_of
    assert code_of(work) == "NoSuchLifecycleConfiguration"


def test_the_rest_of_s3_is_answered_too(jobs):
    jobs.put_object(Bucket=BUCKET, Key="images/1 ä", Body=b"pixels")
    tags = [{"Key": "team", "Value": "t1"}]
    jobs.put_object_tagging(Bucket=BUCKET, Key="images/1 ä", Tagging={"TagSet": tags})
    assert jobs.get_object_tagging(Bucket=BUCKET, Key="images/1 ä")["TagSet"] == tags
    jobs.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True}
    )
    assert jobs.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert code_of(lambda: jobs.create_bucket(Bucket=BUCKET)) == "BucketAlreadyOwnedByYou"
    jobs.head_bucket(Bucket=BUCKET)


def test_what_would_be_a_lie_is_refused(jobs):
    on = {"Status": "Enabled"}
    work = lambda: jobs.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=on)  # noqa: E731 - called by code_of
    assert code_of(work) == "NotImplemented"


def test_faults_happen_as_often_as_asked(sandbox, jobs):
    sandbox.control("PUT", "/s3/faults", {"slow_down": 2, "methods": ["PUT"]})
    put = lambda: jobs.put_object(Bucket=BUCKET, Key="k", Body=b".")  # noqa: E731 - called by code_of
    assert jobs.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert [code_of(put), code_of(put)] == ["SlowDown", "SlowDown"]
    put()
    sandbox.control("PUT", "/s3/faults", {"slow_ms": 200})
    began = time.monotonic()
    jobs.get_object(Bucket=BUCKET, Key="k")
    assert time.monotonic() - began >= 0.2
