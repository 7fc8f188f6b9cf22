"""Objects in the S3 stand-in, driven by unmodified boto3: kept, listed, copied, in parts, ended."""

import time
from io import BytesIO

import pytest
from boto3.s3.transfer import TransferConfig

from .stand import BUCKET, Sandbox, code_of


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
