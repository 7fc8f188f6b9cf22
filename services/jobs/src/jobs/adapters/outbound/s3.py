"""The private object store, over boto3 in a bounded thread pool."""

import asyncio
import contextvars
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from opentelemetry.trace import SpanKind

from chassis.telemetry import tracer
from jobs.application.ports import ObjectMissing, ObjectTooLarge, StorageUnavailable, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef, LifecycleRuleTypeDef

SaveWeights = Callable[[str, int, BinaryIO], Awaitable[int]]

LIFETIMES: Mapping[str, int] = {"uploads/": 7, "images/": 90, "thumbs/": 90, "exports/": 1}
"""Days an object lives, by the prefix of its key; what is not listed stays (`models/`, `pinned/`)."""

_WORKERS = 16
_IN_MEMORY = 4 << 20
_MISSING = frozenset({"NoSuchKey", "404", "NoSuchUpload"})
_EXISTS = frozenset({"PreconditionFailed", "412"})
_DELETE_AT_ONCE = 1000

T = TypeVar("T")


class S3:
    """Objects of one bucket. Keys are decided by what they hold, so that writing twice changes nothing."""

    def __init__(
        self,
        bucket: str,
        save_weights: SaveWeights,
        *,
        endpoint: str | None,
        region: str,
        access_key: str,
        secret_key: str,
    ) -> None:
        self._bucket = bucket
        self._save_weights = save_weights
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=_config(own_endpoint=endpoint is not None),
        )
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="s3")
        self._tracer = tracer("jobs.s3")

    async def put_image(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object once; an existing one is left as it is."""
        await self._put_once(key, data, content_type)

    async def copy_from(self, url: str, key: str, limit: int) -> int:
        """Copy weights of at most `limit` bytes from the provider to a key, once; return their size.

        Raises ProviderUnavailable, ResultGone (too large, or no weights, too).
        """
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            size = await self._save_weights(url, limit, file)  # type: ignore[arg-type] # a BinaryIO but by name
            file.seek(0)
            await self._put_once(key, file, "application/octet-stream")
        return size

    async def get(self, key: str, limit: int) -> bytes:
        """Read an object. Raises ObjectMissing, ObjectTooLarge."""

        def read() -> bytes:
            with self._client.get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                return body.read(limit + 1)

        data = await self._do("get", key, read)
        if data is None:
            raise ObjectMissing(key)
        if len(data) > limit:
            raise ObjectTooLarge(f"{key} is larger than {limit} bytes")
        return data

    async def head(self, key: str) -> StoredObject | None:
        """Tell what is known of an object, or None when there is none."""
        found = await self._do("head", key, lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        return StoredObject(found["ContentLength"], found["ContentType"]) if found else None

    def link(self, key: str, seconds: int) -> str:
        """Sign a link that reads an object for so long; computed here, nothing is asked."""
        asked = {"Bucket": self._bucket, "Key": key}
        return self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds)

    async def copy(self, source: str, target: str) -> None:
        """Copy an object as it is; raises ObjectMissing."""
        origin: CopySourceTypeDef = {"Bucket": self._bucket, "Key": source}
        copied = await self._do(
            "copy",
            target,
            lambda: self._client.copy_object(Bucket=self._bucket, Key=target, CopySource=origin),
        )
        if copied is None:
            raise ObjectMissing(source)

    async def begin_upload(self, key: str, content_type: str) -> str:
        """Begin an object that comes in parts; return the upload's id."""
        bucket = self._bucket
        begun = await self._do(
            "begin upload",
            key,
            lambda: self._client.create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type),
        )
        return _there(begun, "upload")["UploadId"]

    async def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Send a part; return its tag."""
        sent = await self._do(
            "upload part",
            key,
            lambda: self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data
            ),
        )
        return _there(sent, "upload")["ETag"]

    async def complete_upload(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Make the object of its parts."""
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)
        ]
        made = await self._do(
            "complete upload",
            key,
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            ),
        )
        _there(made, "upload")

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop the parts of an upload, if there is one."""
        await self._do(
            "abort upload",
            key,
            lambda: self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id),
        )

    async def delete(self, keys: Sequence[str]) -> set[str]:
        """Delete objects; missing ones are fine. Returns the keys of those that are still there."""
        refused: set[str] = set()
        for start in range(0, len(keys), _DELETE_AT_ONCE):
            refused |= await self._delete_some(keys[start : start + _DELETE_AT_ONCE])
        return refused

    async def keys(self, prefix: str) -> list[str]:
        """List up to 1,000 keys that begin so."""
        found = await self._do(
            "list", prefix, lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        )
        return [listed["Key"] for listed in found.get("Contents", ())] if found else []

    async def apply_lifecycle(self) -> None:
        """Set the bucket's expiry rules."""
        rules = [_rule(prefix, days) for prefix, days in LIFETIMES.items()]
        configuration = {"Rules": rules}
        await self._do(
            "lifecycle",
            "",
            lambda: self._client.put_bucket_lifecycle_configuration(
                Bucket=self._bucket,
                LifecycleConfiguration=configuration,  # type: ignore[arg-type] # a list where it says sequence
            ),
        )

    async def close(self) -> None:
        """End the threads and the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _put_once(
        self, key: str, body: bytes | tempfile.SpooledTemporaryFile[bytes], kind: str
    ) -> None:
        await self._do(
            "put",
            key,
            lambda: self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=kind, IfNoneMatch="*"
            ),
        )

    async def _delete_some(self, keys: Sequence[str]) -> set[str]:
        unwanted = [{"Key": key} for key in keys]
        answer = await self._do(
            "delete",
            keys[0],
            lambda: self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": unwanted, "Quiet": True},  # type: ignore[typeddict-item] # plain dicts
            ),
        )
        errors = answer.get("Errors", []) if answer else []
        return {error["Key"] for error in errors}

    async def _do(self, name: str, key: str, call: Callable[[], T]) -> T | None:
        """Run a call in a thread; None when there is nothing to read, or already what was to be written."""
        with self._tracer.start_as_current_span(f"s3 {name}", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"aws.s3.bucket": self._bucket, "aws.s3.key": key})
            loop, context = asyncio.get_running_loop(), contextvars.copy_context()
            try:
                return await loop.run_in_executor(self._pool, context.run, call)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in _MISSING or code in _EXISTS:
                    return None
                raise StorageUnavailable(f"{name}: {code}") from error
            except (BotoCoreError, OSError) as error:
                raise StorageUnavailable(f"{name}: {type(error).__name__}") from error


def _there(answer: T | None, what: str) -> T:
    """Insist on an answer; what was there a moment ago may be gone with a node of the store."""
    if answer is None:
        raise StorageUnavailable(f"the {what} is not there any more")
    return answer


def _config(*, own_endpoint: bool) -> Config:
    """Bounded waits; a store of one's own has no host name for each bucket."""
    return Config(
        signature_version="s3v4",
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=_WORKERS,
        retries={"mode": "standard", "total_max_attempts": 3},
        s3={"addressing_style": "path" if own_endpoint else "virtual"},
    )


def _rule(prefix: str, days: int) -> "LifecycleRuleTypeDef":
    return {
        "ID": f"{prefix.rstrip('/')}-{days}-days",
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
