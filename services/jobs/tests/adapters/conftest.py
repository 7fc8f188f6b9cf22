import io
from collections.abc import AsyncIterator
from ipaddress import ip_network
from uuid import UUID, uuid4

import fal_client
import pytest
from PIL import Image
from services.jobs.tests.memory import Clock

from chassis.database import Database
from chassis.testing import FreshDatabase, delivery
from contracts.billing import Limits, PlanChanged
from jobs.adapters.outbound.fal import Fal
from jobs.adapters.outbound.images import PillowImages
from jobs.adapters.outbound.keeping_tables import METADATA
from jobs.adapters.outbound.media import Media
from jobs.adapters.outbound.postgres import transaction
from jobs.adapters.outbound.s3 import S3
from jobs.application.learn import learn_plans
from jobs.application.work import Transaction
from sandbox.testing import Control, Running, running


@pytest.fixture(scope="session")
async def running_sandbox(tmp_path_factory) -> AsyncIterator[Running]:
    """One sandbox for all these tests; clients made in this process trust it."""
    with pytest.MonkeyPatch.context() as patch:
        async with running(tmp_path_factory.mktemp("sandbox")) as sandbox:
            patch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
            # fal-client reads its environment once, when it is imported: here before the port was known.
            patch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"https://{sandbox.fal_host}/")
            yield sandbox


@pytest.fixture
async def sandbox(running_sandbox) -> AsyncIterator[Control]:
    """The sandbox's controls; everything back to the beginning for each test."""
    await running_sandbox.control.reset()
    await running_sandbox.control.timing(image_seconds=0.05, training_seconds=0.2, tiny_images=64)
    yield running_sandbox.control
    await running_sandbox.control.reset()


@pytest.fixture
async def media(running_sandbox) -> AsyncIterator[Media]:
    media = Media(trusted=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
    yield media
    await media.close()


@pytest.fixture
async def fal(running_sandbox, media) -> AsyncIterator[Fal]:
    """The adapter, less patient than in service."""
    key, host = running_sandbox.settings.fal_key, running_sandbox.fal_host
    fal = Fal(key, host, media.download, submit_timeout=1.5, call_timeout=2.0)
    yield fal
    await fal.close()


@pytest.fixture
async def s3(running_sandbox, media) -> AsyncIterator[S3]:
    given = running_sandbox.environment("jobs")
    s3 = S3(
        given["S3_BUCKET"],
        media.save_weights,
        endpoint=given["S3_ENDPOINT"],
        region=given["AWS_REGION"],
        access_key=given["AWS_ACCESS_KEY_ID"],
        secret_key=given["AWS_SECRET_ACCESS_KEY"],
    )
    yield s3
    await s3.close()


@pytest.fixture
async def archive(s3):
    images = PillowImages()
    pictures = [_drawn(n) for n in range(4)]
    key = f"models/test/{uuid4()}.zip"
    await s3.put_image(key, await images.zip(pictures, [""] * 4), "application/zip")
    images.close()
    return s3.link(key, 600)


def _drawn(n: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (n * 20, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ("jobs",)


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    database = Database(fresh_database.url("jobs"), "jobs")
    tables = ", ".join(str(table) for table in METADATA.tables.values() if table.name != "dispatcher")
    fresh_database.query(f"truncate {tables}; update jobs.dispatcher set failures = 0, open_until = null")
    yield database
    await database.close()


@pytest.fixture
def begin(database) -> Transaction:
    return transaction(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def team(begin) -> UUID:
    """A team whose plan lets it pin."""
    team = uuid4()
    limits = Limits(running=1, open=20, per_minute=60, pin=True)
    plan = PlanChanged(team_id=team, version=1, plan="pro", status="active", limits=limits)
    await learn_plans([delivery(plan)], begin)
    return team
