import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from chassis.statement import text
from contracts.catalog import PreviewPublished
from contracts.jobs import JobChanged, JobsRefused, Receipt, Result
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.tidy_up import tidy_up


async def queued(stage: Stage) -> tuple[Person, JobChanged]:
    """Somebody with a job that is paid for, as jobs describes it first."""
    reference = reference_model()
    await stage.hear(reference)
    person = await stage.person()
    job_id = (await person.generate(reference_model_id=str(reference.id))).json()["jobs"][0]["id"]
    query = f"select cast(document as text) as d from gateway.view_jobs where id = '{job_id}'"
    job = JobChanged.model_validate_json((await stage.rows(query))[0].d)
    return person, job.model_copy(update={"version": 1, "status": "queued"})


def later(job: JobChanged, version: int, status: str, **changes: object) -> JobChanged:
    return job.model_copy(update={"version": version, "status": status} | changes)


async def status(person: Person, job: JobChanged) -> str:
    return str((await person.client.get(f"/api/jobs/{job.id}")).json()["status"])


async def log(stage: Stage, subject: UUID) -> list[int]:
    query = f"select version from gateway.event_log where subject = '{subject}' order by seq"
    return [row.version for row in await stage.rows(query)]


async def test_the_highest_version_is_shown_whatever_arrives_when(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(later(job, 3, "processing"))
    await stage.hear(later(job, 2, "queued"), later(job, 1, "queued"))
    await stage.hear(later(job, 3, "failed"))

    assert await status(person, job) == "processing"
    assert await log(stage, job.id) == [3]


async def test_a_batch_shows_and_logs_the_newest_of_each_document(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(*(later(job, n, "processing") for n in (1, 4, 2, 3)), model(person.team_id))

    assert await log(stage, job.id) == [4]


async def test_the_log_is_numbered_without_gaps_also_by_two_projectors(stage: Stage):
    person, job = await queued(stage)
    await asyncio.gather(
        *(stage.hear(later(job, n, "processing"), model(person.team_id)) for n in range(1, 8))
    )
    numbers = [row.seq for row in await stage.rows("select seq from gateway.event_log order by seq")]
    head = (await stage.rows("select seq from gateway.log_head"))[0].seq

    assert len(numbers) == len(set(numbers))
    assert numbers[-1] == head


async def test_what_a_job_cost_stays_shown(stage: Stage):
    person, job = await queued(stage)
    receipt = Receipt(held=8, captured=6, released=2, unit_price=2, units=3, reason="captured")
    results = (
        Result(n=1, key="images/t/j/1.jpg", thumbnail_key="thumbs/t/j/1.webp", width=64, height=64, seed="7"),
        Result(n=2, withheld=True),
    )
    await stage.hear(later(job, 2, "completed", receipt=receipt, results=results))
    shown = (await person.client.get(f"/api/jobs/{job.id}")).json()
    again = (await person.client.get(f"/api/jobs/{job.id}")).json()

    assert shown["cost"]["held"] == 8
    assert (shown["receipt"]["captured"], shown["receipt"]["units"]) == (6, 3)
    assert "/atelier/images/t/j/1.jpg?" in shown["results"][0]["url"]
    assert "X-Amz-Signature=" in shown["results"][0]["thumbnail_url"]
    assert (shown["results"][1]["url"], shown["results"][1]["withheld"]) == (None, True)
    assert again["results"] == shown["results"]  # a link is used again while it is young
    stored = await stage.rows("select cast(document as text) as d from gateway.view_jobs")
    assert "X-Amz-Signature" not in str(stored)


async def test_images_of_an_expired_job_have_no_links(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(later(job, 9, "expired", results=(Result(n=1, key="images/t/j/1.jpg"),)))

    assert (await person.client.get(f"/api/jobs/{job.id}")).json()["results"][0]["url"] is None


async def test_a_refused_cancellation_is_told(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(later(job, 2, "processing"))
    stage.silent = True
    asking = asyncio.create_task(person.client.delete(f"/api/jobs/{job.id}"))
    async with asyncio.timeout(5):
        while not (found := await stage.rows("select id from gateway.requests where kind = 'cancel_job'")):
            await asyncio.sleep(0.01)
    await stage.hear(
        JobsRefused(request_id=found[0].id, about=job.id, code="too_late", detail="Its images are stored.")
    )
    answer = await asking

    assert (answer.status_code, answer.json()["detail"]) == (409, "Its images are stored.")
    assert await status(person, job) == "processing"


async def test_a_cancellation_that_takes_its_time_is_shown_as_such(stage: Stage):
    person, job = await queued(stage)
    stage.silent = True
    asking = asyncio.create_task(person.client.delete(f"/api/jobs/{job.id}"))
    await asyncio.sleep(0.1)
    await stage.hear(later(job, 2, "cancelling"))
    answer = await asking

    assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")


async def test_history_lines_are_kept_from_every_version_of_an_account(stage: Stage):
    person = await stage.person()
    stage.balance[person.team_id] = 100
    accounts = [stage.account(person.team_id, "reserve", -10, uuid4()) for _ in range(3)]
    await stage.hear(*reversed(accounts), accounts[0])
    history = (await person.client.get("/api/credits/history")).json()["data"]

    assert [line["type"] for line in history] == ["reserve", "reserve", "reserve", "replenish"]
    assert [line["job_id"] for line in history[:3]] == [str(a.entries[0].job_id) for a in reversed(accounts)]


async def test_the_balance_tells_what_runs_and_what_is_open(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(later(job, 2, "processing"))
    balance = (await person.client.get("/api/credits/balance")).json()

    assert balance["available"] == 192
    assert {name: balance[name] for name in ("running", "running_limit", "open", "open_limit", "plan")} == {
        "running": 1,
        "running_limit": 1,
        "open": 1,
        "open_limit": 20,
        "plan": "free",
    }


async def test_what_is_old_is_forgotten_and_the_log_says_so(stage: Stage):
    person, job = await queued(stage)
    await stage.hear(later(job, 2, "processing"))
    async with stage.database.transaction() as session:
        await session.connection.execute(
            text("update gateway.event_log set at = at - interval '31 days' where subject <> :job"),
            {"job": str(job.id)},
        )
        await session.connection.execute(
            text("update gateway.requests set created_at = created_at - interval '25 hours'")
        )
    await tidy_up(transaction(stage.database), utc_now)
    pruned_to = (await stage.rows("select pruned_to from gateway.log_head"))[0].pruned_to
    events = await person.client.get("/api/events")
    expired = await person.client.get("/api/events?after=1")

    assert [event["type"] for event in events.json()["data"]] == ["job.changed"]
    assert (expired.status_code, expired.json()["code"]) == (410, "events_expired")
    assert expired.json()["oldest"] == str(pruned_to)
    assert (await stage.rows("select count(*) as n from gateway.requests"))[0].n == 0


async def test_sessions_are_forgotten_when_nobody_uses_them_for_a_week(stage: Stage):
    await stage.person()
    await tidy_up(transaction(stage.database), lambda: utc_now() + timedelta(days=6))
    assert (await stage.rows("select count(*) as n from gateway.sessions"))[0].n == 1
    await tidy_up(transaction(stage.database), lambda: utc_now() + timedelta(days=8))
    assert (await stage.rows("select count(*) as n from gateway.sessions"))[0].n == 0


async def test_throttles_are_forgotten_after_a_day(stage: Stage):
    await stage.person()
    await tidy_up(transaction(stage.database), lambda: utc_now() + timedelta(days=2))

    assert (await stage.rows("select count(*) as n from gateway.throttles"))[0].n == 0


async def test_pictures_that_no_reference_model_shows_any_more_are_forgotten_after_a_day(stage: Stage):
    shown, replaced, awaited = (digit * 64 for digit in "abc")
    before = reference_model(preview=replaced)
    pictures = [
        PreviewPublished(sha256=name, content_type="image/webp", data="UklGRg==")
        for name in (shown, replaced, awaited)
    ]
    await stage.hear(*pictures, *pictures, before)  # as when a batch holds the same twice
    await stage.hear(before.model_copy(update={"version": 2, "preview": shown}))

    async def kept() -> list[str]:
        rows = await stage.rows("select sha256 from gateway.previews order by 1")
        return [row.sha256 for row in rows]

    await tidy_up(transaction(stage.database), utc_now)
    assert await kept() == [shown, replaced, awaited]
    async with stage.database.transaction() as session:
        a_while_ago = "update gateway.previews set recorded_at = recorded_at - interval '25 hours'"
        await session.connection.execute(text(a_while_ago))
    await stage.hear(pictures[2])  # said again, and not yet shown
    await tidy_up(transaction(stage.database), utc_now)
    assert await kept() == [shown, awaited]
