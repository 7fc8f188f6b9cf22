"""The steps of a story about jobs, each one use case."""

from uuid import UUID

from services.jobs.tests.fakes import House
from services.jobs.tests.stories import NOW, RULES, TEAM, held, hold, settled

from chassis.testing import delivery
from contracts.catalog import ModelChanged, ModelVersion
from contracts.jobs import ProviderCallback
from contracts.orders import Operation
from jobs.application.dispatch_jobs import dispatch_jobs
from jobs.application.learn import learn_models
from jobs.application.open_jobs import open_jobs
from jobs.application.poll_attempts import poll_attempts
from jobs.application.settle_jobs import settle_jobs
from jobs.application.store_results import take_results
from jobs.application.take_callbacks import take_callbacks


async def open_job(house: House, operation=Operation.GENERATE_IMAGES, *, room=0, **order) -> UUID:
    wanted = hold(operation, **order)
    await house.do(await open_jobs([delivery(held(wanted))], house.transaction, house.clock, RULES, room))
    return wanted.job_id


async def learn(house: House, model: ModelChanged) -> None:
    await house.do(await learn_models([delivery(model)], house.transaction, house.clock, RULES))


async def dispatch(house: House) -> None:
    await house.do(await dispatch_jobs(house.transaction, house.clock, RULES, 40))


async def callback(house: House, job: UUID, **told) -> list:
    effects = await taken_callback(house, job, **told)
    await house.do(effects)
    return effects


async def taken_callback(house: House, job: UUID, mac="good", request="r1", body="ok", room=0) -> list:
    command = ProviderCallback(
        attempt_id=house.job(job).attempts[-1].id,
        mac=mac,
        provider_request_id=request,
        body=body,
        received_at=NOW,
    )
    return await take_callbacks([delivery(command)], house.transaction, house.tools, room)


async def poll(house: House, after: float) -> None:
    house.clock.pass_by(seconds=after)
    await house.do(await poll_attempts(house.transaction, house.tools))


async def store(house: House) -> None:
    for order in await take_results(house.transaction, house.tools, 8):
        await house.do(await house.store(order))


async def settle(house: House, job: UUID, captured: int = 0) -> None:
    fact = settled(house.job(job), captured=captured)
    await house.do(await settle_jobs([delivery(fact)], house.transaction, house.clock, RULES))


def files(house: House, count: int) -> None:
    house.provider.files |= {f"https://fal/{n}.jpg": f"image {n}".encode() for n in range(1, count + 1)}


def trained_model(id_: UUID, trained_by: UUID) -> ModelChanged:
    return ModelChanged(
        id=id_,
        team_id=TEAM,
        version=2,
        name="Ada",
        description="",
        status="ready",
        versions=(ModelVersion(number=1, job_id=trained_by, trained_at=NOW),),
        active_version=1,
        created_at=NOW,
        updated_at=NOW,
    )
