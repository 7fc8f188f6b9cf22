"""Jobs whose images are in the object store, and what is asked about them."""

from uuid import UUID

from services.jobs.tests.stories import NOW, SENT, hold, rules, settled

from contracts.jobs import Result
from jobs.domain.birth import born
from jobs.domain.calls import Succeeded
from jobs.domain.job import Job
from jobs.domain.material import Material, image_keys

RULES = rules()


async def delivered(begin, s3, team: UUID, count: int = 2, size: int = 1_000) -> Job:
    """A completed job with its objects in the bucket."""
    job = born(hold(quantity=count, prompt="a red coat"), team, None, NOW, RULES)[0]
    job.dispatched(Material(), NOW, RULES)
    job.accepted(job.attempts[0].id, SENT, "fal-ai/flux/dev", NOW, RULES)
    job.result(job.attempts[0].id, Succeeded(), NOW, RULES)
    results = []
    for n in range(1, count + 1):
        key, thumbnail = image_keys(team, job.id, n, "jpg")
        await s3.put_image(key, picture(job.id, n, size), "image/jpeg")
        await s3.put_image(thumbnail, b"small", "image/webp")
        results.append(Result(n=n, key=key, thumbnail_key=thumbnail, width=64, height=48, seed="7"))
    job.stored(1, results, NOW, RULES)
    job.steps, job.step = job.steps[-1:], 1
    job.stored(1, results, NOW, RULES)
    job.settled(settled(job, captured=2 * count), NOW, RULES)
    async with begin() as work:
        await work.jobs.add([job])
        await work.jobs.save([job])
    return job


def picture(job_id: UUID, n: int, size: int = 1_000) -> bytes:
    return f"{job_id} {n} ".encode().ljust(size, b"x")


async def stored(begin, job: Job) -> Job:
    async with begin() as work:
        [found] = await work.jobs.look([job.id])
    return found


async def keys(sandbox, job: Job) -> list[str]:
    return [key for key in await sandbox.objects() if str(job.id) in key]
