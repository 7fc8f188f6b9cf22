"""All other services are stopped: what a client still can, and what becomes of what it asked meanwhile."""

import asyncio
import time
from uuid import uuid4

import httpx
from e2e.client import Client
from e2e.house import together

OTHERS = ["credits", "jobs", "catalog", "billing"]
DECIDED_WITHIN = 12
"""Seconds that a second gateway gives the others to decide, where usually it is 15 minutes."""
READS = [
    "/api/me",
    "/api/jobs",
    "/api/models",
    "/api/reference-models",
    "/api/credits/balance",
    "/api/credits/history",
    "/api/credits/pricing",
    "/api/events",
]


async def test_reads_stay_up_and_what_is_asked_is_done_in_time_or_not_at_all(house):
    team = await house.team()
    wish = await team.wish("asked while all were away")
    stack = house.stack
    second = await asyncio.to_thread(stack.add_replica, "gateway", ORDERS_LIVE=str(DECIDED_WITHIN))
    url = f"http://127.0.0.1:{stack.plan.ports[second]}"
    hasty = Client(httpx.AsyncClient(base_url=url, timeout=30), team.email, team.team_id, team.headers)
    before = await team.balance()
    await together(asyncio.to_thread(stack.stop_service, name) for name in OTHERS)
    try:
        answers = await asyncio.gather(*(team.http.get(path, headers=team.headers) for path in READS))
        assert {answer.status_code for answer in answers} == {200}
        key, asked = uuid4().hex, time.monotonic()
        patient, late = await asyncio.gather(
            team.post("/api/generate", wish), hasty.post("/api/generate", wish, key)
        )
        assert [patient.status_code, late.status_code] == [202, 202]
        jobs = [answer.json()["jobs"][0] for answer in (patient, late)]
        assert [job["status"] for job in jobs] == ["accepted", "accepted"]
        assert (await team.get(f"/api/jobs/{jobs[0]['id']}"))["status"] == "accepted"
        await asyncio.sleep(DECIDED_WITHIN + 1 - (time.monotonic() - asked))
    finally:
        await together(asyncio.to_thread(stack.start_service, name) for name in OTHERS)

    assert (await team.end(jobs[0]))["status"] == "completed"
    async with asyncio.timeout(30):
        while (verdict := await hasty.post("/api/generate", wish, key)).status_code == 202:
            await asyncio.sleep(0.2)
    assert (verdict.status_code, verdict.json()["code"]) == (409, "too_late")
    gone = await team.http.get(f"/api/jobs/{jobs[1]['id']}", headers=team.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")
    assert {line["job_id"] for line in await team.history() if line["job_id"]} == {jobs[0]["id"]}
    after = await team.balance()
    assert (before["available"] - after["available"], after["reserved"], after["open"]) == (2, 0, 0)
    await hasty.close()
    await asyncio.to_thread(stack.remove_replica, second)
