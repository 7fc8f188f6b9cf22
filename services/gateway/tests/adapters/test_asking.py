import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from services.gateway.tests.stage import Person, Stage, model, reference_model

from chassis.clock import utc_now
from chassis.statement import text
from contracts.billing import Limits, PlanChanged
from contracts.credits import HoldCredits
from contracts.jobs import CancelJob, JobChanged
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.resend_requests import resend_requests


async def ready(stage: Stage) -> tuple[Person, str]:
    """Somebody with a reference model to start from."""
    reference = reference_model()
    await stage.hear(reference)
    return await stage.person(), str(reference.id)


async def open_slots(stage: Stage, person: Person) -> int:
    query = f"select open from gateway.team_slots where team_id = '{person.team_id}'"
    return int((await stage.rows(query))[0].open)


async def job_of(stage: Stage, job_id: str) -> JobChanged:
    query = f"select cast(document as text) as d from gateway.view_jobs where id = '{job_id}'"
    return JobChanged.model_validate_json((await stage.rows(query))[0].d)


async def test_a_paid_request_answers_202_with_its_queued_job(stage: Stage):
    person, reference = await ready(stage)
    answer = await person.generate(reference_model_id=reference, seed=str(2**63 + 5), max_credits=8)

    assert answer.status_code == 202, answer.text
    [job] = answer.json()["jobs"]
    assert (job["status"], job["quantity"], job["type"]) == ("queued", 4, "generate_images")
    assert job["cost"] == {"held": 8, "unit_price": 2, "price_version": 1}
    assert job["recipe"]["seed"] == str(2**63 + 5)
    assert job["recipe"]["size"] == {"width": 1024, "height": 1024}
    assert answer.headers["location"] == f"/api/generate/{job['id']}"
    [command] = [message for message in stage.said if isinstance(message, HoldCredits)]
    assert str(command.request_id) == answer.json()["request_id"]
    assert (command.team_id, command.terms.max_credits) == (person.team_id, 8)
    assert command.orders[0].user_id == person.user_id
    assert (await person.client.get(f"/api/generate/{job['id']}")).json() == job
    assert await open_slots(stage, person) == 1


async def test_a_declined_request_leaves_nothing_behind(stage: Stage):
    person, reference = await ready(stage)
    stage.balance[person.team_id] = 3
    answer = await person.generate(reference_model_id=reference)

    assert answer.status_code == 402
    assert answer.json()["code"] == "insufficient_credits"
    assert (answer.json()["required"], answer.json()["spendable"]) == (8, 3)
    assert (await person.client.get("/api/jobs")).json() == {"data": [], "next_cursor": None}
    assert await open_slots(stage, person) == 0


async def test_a_declined_creation_takes_its_model_back(stage: Stage):
    person, reference = await ready(stage)
    stage.balance[person.team_id] = 99
    body = {"name": "Harbour", "description": "calm", "reference_model_id": reference}
    answer = await person.client.post("/api/models", json=body)

    assert answer.status_code == 402
    assert (await person.client.get("/api/models")).json()["data"] == []


async def test_without_a_verdict_the_request_is_accepted(stage: Stage):
    person, reference = await ready(stage)
    stage.silent = True
    object.__setattr__(stage.app.state.api.asking, "patience", 0.2)
    answer = await person.generate(reference_model_id=reference)

    assert answer.status_code == 202
    assert answer.json()["jobs"][0]["status"] == "accepted"
    assert answer.json()["jobs"][0]["cost"] is None


async def test_repeating_a_request_repeats_the_answer_and_not_the_work(stage: Stage):
    person, reference = await ready(stage)
    answers = await asyncio.gather(*(person.generate("same", reference_model_id=reference) for _ in range(6)))
    later = await person.generate("same", reference_model_id=reference)
    other = await person.generate("same", reference_model_id=reference, count=1)

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["jobs"][0]["id"] for answer in (*answers, later)}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len([message for message in stage.said if isinstance(message, HoldCredits)]) == 1
    assert stage.balance[person.team_id] == 192


async def test_a_refusal_is_repeated_too(stage: Stage):
    person, reference = await ready(stage)
    stage.balance[person.team_id] = 0
    first = await person.generate("poor", reference_model_id=reference)
    stage.balance[person.team_id] = 200
    again = await person.generate("poor", reference_model_id=reference)

    assert (first.status_code, again.status_code) == (402, 402)
    assert first.json() | {"request_id": None} == again.json() | {"request_id": None}
    assert again.headers["idempotency-replayed"] == "true"


async def test_two_teams_may_use_the_same_key(stage: Stage):
    ada, reference = await ready(stage)
    bob = await stage.person()
    first = await ada.generate("k", reference_model_id=reference)
    second = await bob.generate("k", reference_model_id=reference)

    assert first.json()["jobs"][0]["id"] != second.json()["jobs"][0]["id"]


async def test_fifty_at_once_on_credits_for_twenty_are_twenty(stage: Stage):
    person, reference = await ready(stage)
    stage.balance[person.team_id] = 40
    await stage.hear(plan(person, open_=100))
    answers = await asyncio.gather(
        *(person.generate(reference_model_id=reference, count=1) for _ in range(50))
    )

    assert sorted(answer.status_code for answer in answers) == [202] * 20 + [402] * 30
    assert all(answer.json()["required"] == 2 for answer in answers if answer.status_code == 402)
    assert stage.balance[person.team_id] == 0
    assert await open_slots(stage, person) == 20


async def test_fifty_at_once_on_twenty_slots_are_twenty(stage: Stage):
    person, reference = await ready(stage)
    answers = await asyncio.gather(
        *(person.generate(reference_model_id=reference, count=1) for _ in range(50))
    )

    assert sorted(answer.status_code for answer in answers) == [202] * 20 + [429] * 30
    refused = next(answer for answer in answers if answer.status_code == 429).json()
    assert (refused["code"], refused["allowed"]) == ("queue_full", 20)
    assert await open_slots(stage, person) == 20


async def test_a_slot_is_given_back_once_when_its_job_ends(stage: Stage):
    person, reference = await ready(stage)
    jobs = [(await person.generate(reference_model_id=reference)).json()["jobs"][0]["id"] for _ in range(2)]
    ended = (await job_of(stage, jobs[0])).model_copy(update={"version": 5, "status": "failed"})
    await stage.hear(ended)
    await stage.hear(ended, ended.model_copy(update={"version": 6}))

    assert await open_slots(stage, person) == 1


def plan(person: Person, open_: int, version: int = 2) -> PlanChanged:
    limits = Limits(running=3, open=open_, per_minute=6000)
    return PlanChanged(team_id=person.team_id, version=version, plan="pro", status="active", limits=limits)


async def test_a_request_without_a_verdict_is_sent_again_after_a_minute(stage: Stage):
    person, reference = await ready(stage)
    stage.silent = True
    object.__setattr__(stage.app.state.api.asking, "patience", 0.1)
    asked = await person.generate(reference_model_id=reference)
    opened = transaction(stage.database)
    await resend_requests(opened, utc_now)
    async with stage.database.transaction() as session:
        await session.connection.execute(
            text("update gateway.requests set sent_at = sent_at - interval '61 s'")
        )
    stage.silent = False
    await resend_requests(opened, utc_now)
    await resend_requests(opened, utc_now)
    async with asyncio.timeout(5):
        while (await job_of(stage, asked.json()["jobs"][0]["id"])).status != "queued":
            await asyncio.sleep(0.02)

    holds = [message for message in stage.said if isinstance(message, HoldCredits)]
    assert len(holds) == 2
    assert holds[0] == holds[1]


async def test_what_still_waits_to_be_sent_is_not_sent_again(stage: Stage):
    person, reference = await ready(stage)
    stage.away = True
    object.__setattr__(stage.app.state.api.asking, "patience", 0.1)
    await person.generate(reference_model_id=reference)
    later = utc_now() + timedelta(minutes=2)
    await resend_requests(transaction(stage.database), lambda: later)

    assert (await stage.rows("select count(*) as n from gateway.outbox"))[0].n == 1


async def test_a_backlog_refuses_what_would_only_wait(stage: Stage):
    person, reference = await ready(stage)
    stage.news._limit = 0  # the outbox may hold nothing
    answer = await person.generate(reference_model_id=reference)

    assert (answer.status_code, answer.json()["code"]) == (503, "backlog")
    assert answer.headers["retry-after"] == "10"


async def test_a_model_is_made_and_refined(stage: Stage):
    person, reference = await ready(stage)
    body = {"name": "Harbour", "description": "calm", "reference_model_id": reference}
    made = await person.client.post("/api/models", json=body)
    known = made.json()["model"]
    early = await person.client.post(f"/api/models/{known['id']}/refine", json={"instructions": "softer"})
    await stage.hear(model(person.team_id, id=UUID(known["id"]), reference_model_id=UUID(reference)))
    refined = await person.client.post(f"/api/models/{known['id']}/refine", json={"instructions": "softer"})
    generated = await person.generate(model_id=known["id"], version=1)
    wrong = await person.generate(model_id=known["id"], version=2)

    assert (made.status_code, known["status"], known["category"]) == (202, "pending", "fashion")
    assert made.json()["job"]["model_id"] == known["id"]
    assert (early.status_code, early.json()["code"]) == (409, "model_not_ready")
    assert refined.status_code == 202
    assert refined.json()["job"]["type"] == "refine_model"
    assert refined.json()["job"]["recipe"]["description"] == "A calm woman"
    assert refined.json()["model"]["versions"][0]["samples"][0].startswith(
        "http://127.0.0.1:9/atelier/models/"
    )
    assert generated.status_code == 202
    assert (wrong.status_code, wrong.json()["code"]) == (409, "version_not_found")


async def test_a_job_is_cancelled_and_then_it_is_too_late(stage: Stage):
    person, reference = await ready(stage)
    job = (await person.generate(reference_model_id=reference)).json()["jobs"][0]
    cancelled = await person.client.delete(f"/api/jobs/{job['id']}")
    again = await person.client.delete(f"/api/jobs/{job['id']}")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (again.status_code, again.json()["code"]) == (409, "too_late")
    assert [str(m.job_id) for m in stage.said if isinstance(m, CancelJob)] == [job["id"]]
    assert await open_slots(stage, person) == 0


async def test_the_idempotency_key_of_yesterday_is_free(stage: Stage):
    person, reference = await ready(stage)
    first = await person.generate("k", reference_model_id=reference)
    async with stage.database.transaction() as session:
        await session.connection.execute(
            text("update gateway.requests set created_at = created_at - interval '25 h'")
        )
    second = await person.generate("k", reference_model_id=reference, count=1)

    assert (first.status_code, second.status_code) == (202, 202)


async def test_an_upload_link_takes_just_what_was_announced(stage: Stage):
    person, _ = await ready(stage)
    body, key = {"content_type": "image/png", "size": 1234}, {"Idempotency-Key": uuid4().hex}
    made = await person.client.post("/api/uploads", json=body, headers=key)
    again = await person.client.post("/api/uploads", json=body, headers=key)

    assert made.status_code == 201
    assert made.json()["key"].startswith(f"uploads/{person.team_id}/")
    assert made.json()["key"] == again.json()["key"]
    assert made.json()["headers"] == {"Content-Type": "image/png", "Content-Length": "1234"}
    assert "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost" in made.json()["url"]
