"""A team as a client of the API."""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from atelier_local.post import verification_token

Json = dict[str, Any]

ENDED = {"completed", "failed", "cancelled", "expired"}
LOOK_EVERY = 0.3


@dataclass
class Client:
    """One team and its API key. Reads are repeated while the gateway is away; what spends never is."""

    http: httpx.AsyncClient
    email: str
    team_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def sign_up(cls, url: str, sandbox_url: str) -> "Client":
        """Open an account and a team, verify the address by the letter, and go on with an API key."""
        client = cls(httpx.AsyncClient(base_url=url, timeout=30), f"{uuid.uuid4().hex[:12]}@example.com")
        body = {"name": "Ada", "email": client.email, "password": "a long password", "team_name": "Studio"}
        signed = await client.http.post("/api/auth/sign-up", json=body)
        assert signed.status_code in {201, 202}, signed.text
        client.team_id = signed.json()["team"]["id"]
        token = await asyncio.to_thread(verification_token, sandbox_url, client.email)
        verified = await client.http.post("/api/auth/verify", json={"token": token})
        assert verified.status_code == 204, verified.text
        key = await client.http.post(
            "/api/api-keys", json={"name": "tests", "scopes": ["read", "generate", "models", "billing"]}
        )
        assert key.status_code == 201, key.text
        client.http.cookies.clear()
        client.headers = {"Authorization": f"Bearer {key.json()['secret']}"}
        return client

    async def read(self, path: str, **query: object) -> httpx.Response:
        """GET, again while the gateway cannot be reached or says that it is not itself."""
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = await self.http.get(path, params=query, headers=self.headers)
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_EVERY)
                    continue
                if answer.status_code == 429:  # whoever looks that often waits, as the answer says
                    await asyncio.sleep(int(answer.headers["Retry-After"]))
                elif answer.status_code < 500:
                    return answer
                await asyncio.sleep(LOOK_EVERY)

    async def get(self, path: str, **query: object) -> Json:
        """GET what must be there."""
        answer = await self.read(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def all(self, path: str, **query: object) -> list[Json]:
        """GET a whole list, page by page."""
        found: list[Json] = []
        cursor: Json = {}
        while True:
            page = await self.get(path, **{"limit": 100} | query | cursor)
            found += page["data"]
            if not page["next_cursor"] or not page["data"]:
                return found
            cursor = {("after" if path == "/api/events" else "cursor"): page["next_cursor"]}

    async def post(self, path: str, body: Json, key: str | None = None) -> httpx.Response:
        """POST once."""
        headers = self.headers | {"Idempotency-Key": key or uuid.uuid4().hex}
        return await self.http.post(path, json=body, headers=headers)

    async def change(self, method: str, path: str, body: Json | None = None, **query: Any) -> httpx.Response:
        """PATCH or DELETE once."""
        return await self.http.request(method, path, json=body, params=query, headers=self.headers)

    async def insist(self, path: str, body: Json) -> Json:
        """POST under one idempotency key until it is answered, as a client with a bad line would."""
        key = uuid.uuid4().hex
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = await self.post(path, body, key)
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_EVERY)
                    continue
                if answer.status_code < 500:
                    assert answer.status_code == 202, answer.text
                    return answer.json()
                await asyncio.sleep(LOOK_EVERY)

    async def generate(self, prompt: str, count: int = 1, **more: object) -> Json:
        """Ask for small images of the first reference model (or a `model_id`); returns the job."""
        answer = await self.insist("/api/generate", await self.wish(prompt, count, **more))
        return answer["jobs"][0]

    async def wish(self, prompt: str, count: int = 1, **more: object) -> Json:
        """Write the body of a request for images."""
        model = {} if "model_id" in more else {"reference_model_id": (await self.reference())["id"]}
        return {"prompt": prompt, "count": count, "size": {"width": 256, "height": 256}, **model, **more}

    async def create_model(self, name: str) -> Json:
        """Ask for a model of the first reference model; returns the job."""
        reference = await self.reference()
        body = {"name": name, "description": f"someone {name}", "reference_model_id": reference["id"]}
        answer = await self.insist("/api/models", body)
        return answer["job"] | {"model_id": answer["model"]["id"]}

    async def reference(self) -> Json:
        """Return a reference model, as soon as there are any."""
        async with asyncio.timeout(30):
            while not (found := (await self.get("/api/reference-models", sort="name", limit=1))["data"]):
                await asyncio.sleep(LOOK_EVERY)
        return found[0]

    async def ends(self, jobs: Iterable[Json], within: float = 90) -> list[Json]:
        """Wait until all these jobs are terminal; returns them in the order asked for."""
        wanted = [job["id"] for job in jobs]
        async with asyncio.timeout(within):
            while True:
                known = {job["id"]: job for job in await self.all("/api/jobs")}
                found = [known[one] for one in wanted if one in known]
                if len(found) == len(wanted) and all(job["status"] in ENDED for job in found):
                    return found
                await asyncio.sleep(LOOK_EVERY)

    async def end(self, job: Json, within: float = 90) -> Json:
        """Wait until a job is terminal."""
        return (await self.ends([job], within))[0]

    async def balance(self) -> Json:
        """Return the balance."""
        return await self.get("/api/credits/balance")

    async def history(self, **query: object) -> list[Json]:
        """Return the credit history, oldest first."""
        return list(reversed(await self.all("/api/credits/history", **query)))

    async def model(self, model_id: str) -> Json:
        """Return one of the team's models."""
        return await self.get(f"/api/models/{model_id}")

    async def until(self, model_id: str, version: int, within: float = 30) -> Json:
        """Wait until a version of a model is the active one."""
        async with asyncio.timeout(within):
            while (model := await self.model(model_id))["active_version"] != version:
                await asyncio.sleep(LOOK_EVERY)
        return model

    async def close(self) -> None:
        """Hang up."""
        await self.http.aclose()
