import asyncio
from uuid import uuid4

import httpx
import pytest

from jobs.adapters.outbound.s3 import S3
from jobs.application.ports import (
    ObjectMissing,
    ObjectTooLarge,
    ProviderUnavailable,
    ResultGone,
    StorageUnavailable,
    StoredObject,
)
from jobs.domain.calls import ProviderCall, StepKind, Succeeded


@pytest.fixture
def key() -> str:
    return f"models/{uuid4()}"


async def test_an_object_is_written_read_and_described(s3, sandbox, key):
    await s3.put_image(key, b"picture", "image/jpeg")
    assert await s3.get(key, 100) == b"picture"
    assert await s3.head(key) == StoredObject(7, "image/jpeg")


async def test_a_second_write_changes_nothing(s3, sandbox, key):
    await s3.put_image(key, b"first", "image/jpeg")
    await s3.put_image(key, b"second", "image/png")
    assert await s3.get(key, 100) == b"first"


async def test_of_many_writers_at_once_one_wins_and_none_fails(s3, sandbox, key):
    await asyncio.gather(*(s3.put_image(key, b"%d" % n, "image/jpeg") for n in range(16)))
    assert (await s3.get(key, 100)).isdigit()


async def test_a_missing_object_is_known_as_missing(s3, sandbox, key):
    assert await s3.head(key) is None
    with pytest.raises(ObjectMissing):
        await s3.get(key, 100)


async def test_an_object_larger_than_allowed_is_not_read(s3, sandbox, key):
    await s3.put_image(key, b"x" * 101, "image/jpeg")
    with pytest.raises(ObjectTooLarge):
        await s3.get(key, 100)


async def test_objects_are_deleted_and_missing_ones_are_fine(s3, sandbox, key):
    await s3.put_image(key, b"x", "image/jpeg")
    await s3.delete([key, f"{key}-never-there", *(f"{key}/{n}" for n in range(1500))])
    assert await s3.head(key) is None
    await s3.delete([])


async def test_a_link_reads_the_object_without_a_key(s3, sandbox, key):
    await s3.put_image(key, b"picture", "image/jpeg")
    async with httpx.AsyncClient() as anyone:
        answer = await anyone.get(s3.link(key, 60))
        assert (answer.status_code, answer.content) == (200, b"picture")
        assert (await anyone.get(s3.link(key, 60).replace(key, "models/other"))).status_code == 403
        assert (await anyone.get(s3.link(key, 60).partition("?")[0])).status_code == 403


async def test_an_expired_link_reads_nothing(s3, sandbox, key):
    await s3.put_image(key, b"picture", "image/jpeg")
    link = s3.link(key, 1)
    await asyncio.sleep(2.1)
    async with httpx.AsyncClient() as anyone:
        assert (await anyone.get(link)).status_code == 403


async def test_pictures_end_after_90_days_uploads_after_7_exports_after_1_and_models_never(s3, sandbox):
    await s3.apply_lifecycle()
    name = str(uuid4())
    keys = [f"{prefix}/{name}" for prefix in ("images", "thumbs", "uploads", "exports", "models", "pinned")]
    for key in keys:
        await s3.put_image(key, b"x", "image/jpeg")
    gone: list[set[str]] = []
    for days in (2, 6, 83):
        expired = await sandbox.advance_days(days)
        gone.append({key.partition("/")[0] for key in expired if name in key})
    assert gone == [{"exports"}, {"uploads"}, {"images", "thumbs"}]
    assert [await s3.head(key) is not None for key in keys[4:]] == [True, True]


async def made_by(fal, call: ProviderCall) -> Succeeded:
    submitted = await fal.submit(call, uuid4(), "https://127.0.0.1:9/")
    async with asyncio.timeout(10):
        while (await fal.status(submitted)).state != "completed":
            await asyncio.sleep(0.05)
    made = await fal.fetch(submitted)
    assert isinstance(made, Succeeded)
    return made


async def test_an_image_is_not_taken_for_weights(s3, fal, sandbox, key):
    made = await made_by(fal, ProviderCall(StepKind.GENERATE, 60, prompt="x"))
    with pytest.raises(ResultGone, match="no weights"):
        await s3.copy_from(made.images[0].url, key, 1_000_000)
    assert await s3.head(key) is None


async def test_weights_of_the_provider_are_copied_once(s3, fal, sandbox, key, archive):
    made = await made_by(fal, ProviderCall(StepKind.TRAIN, 600, archive_url=archive))
    size = await s3.copy_from(made.weights_url, key, 1_000_000)
    assert await s3.head(key) == StoredObject(size, "application/octet-stream")
    assert await s3.copy_from(made.weights_url, key, 1_000_000) == size
    with pytest.raises(ResultGone, match="larger"):
        await s3.copy_from(made.weights_url, f"{key}-2", 10)
    await sandbox.faults({"fault": "http_503", "at": "files"})
    with pytest.raises(ProviderUnavailable):
        await s3.copy_from(made.weights_url, f"{key}-2", 1_000_000)
    assert await s3.head(f"{key}-2") is None


async def test_a_busy_store_is_asked_again_by_itself(s3, sandbox, key):
    await sandbox.s3_faults(slow_down=1)
    await s3.put_image(key, b"x", "image/jpeg")
    assert await s3.get(key, 10) == b"x"


async def test_a_store_that_stays_busy_is_unavailable(s3, sandbox, key):
    await sandbox.s3_faults(slow_down=1000)
    for call in (s3.put_image(key, b"x", "image/jpeg"), s3.get(key, 10), s3.head(key), s3.delete([key])):
        with pytest.raises(StorageUnavailable):
            await call


def _other(running_sandbox, **changes) -> S3:
    given = running_sandbox.environment("jobs")
    usual = {
        "endpoint": given["S3_ENDPOINT"],
        "region": given["AWS_REGION"],
        "access_key": given["AWS_ACCESS_KEY_ID"],
        "secret_key": given["AWS_SECRET_ACCESS_KEY"],
    }
    return S3(given["S3_BUCKET"], None, **usual | changes)


async def test_a_wrong_secret_or_no_connection_is_unavailable(running_sandbox, sandbox, key, unused_tcp_port):
    for changes in ({"secret_key": "wrong"}, {"endpoint": f"http://127.0.0.1:{unused_tcp_port}"}):
        other = _other(running_sandbox, **changes)
        with pytest.raises(StorageUnavailable):
            await other.put_image(key, b"x", "image/jpeg")
        await other.close()


async def test_the_loop_stays_free_while_the_store_is_slow(s3, sandbox, key):
    await sandbox.s3_faults(slow_ms=300)
    writes = asyncio.gather(*(s3.put_image(f"{key}/{n}", b"x", "image/jpeg") for n in range(8)))
    ticks = 0
    while not writes.done():
        await asyncio.sleep(0.01)
        ticks += 1
    await writes
    assert ticks > 15
