"""A studio at work: jobs of every kind and fate, changes of mind, purchases, whatever else goes on."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import httpx

from e2e.client import Client, Json
from e2e.provider import fault
from e2e.till import Till

FATES = {"made": 10, "some unsafe": 2, "all unsafe": 1, "refused": 1, "error once": 2, "doubted": 2}
KINDS = {"generate": 12, "make a model": 1, "refine": 1, "cancel": 3, "buy": 1}
RULES = (
    fault("unsafe", "chaos some unsafe", images=[1]),
    fault("unsafe", "chaos all unsafe"),
    fault("validation_422", "chaos refused"),
    fault("accept_then_close", "chaos doubted") | {"match": {"prompt_contains": "chaos doubted", "nth": 1}},
    fault("error", "chaos error once", type="internal_server_error")
    | {"match": {"prompt_contains": "chaos error once", "nth": 1}},
)
"""What the provider does with each fate."""
ANSWERED_WITHIN = 120.0


@dataclass
class Business:
    """Asks under an idempotency key until it is answered, and keeps what was accepted."""

    team: Client
    till: Till
    wish: Json
    random: Random
    accepted: list[Json] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    bought: int = 0

    async def run(self, pause: float) -> None:
        """Work until cancelled; then waits for what was begun."""
        working: set[asyncio.Task[None]] = set()
        try:
            while True:
                kind = self.random.choices([*KINDS], [*KINDS.values()])[0]
                task = asyncio.create_task(self._do(kind))
                working.add(task)
                await asyncio.sleep(self.random.uniform(0, 2 * pause))
        finally:
            # What went wrong in one of them is raised here.
            await asyncio.gather(*working)

    async def _do(self, kind: str) -> None:
        match kind:
            case "generate":
                await self._generate()
            case "make a model":
                await self._make()
            case "refine":
                await self._refine()
            case "cancel":
                await self._cancel()
            case "buy":
                await self._buy()
        self.done[kind] += 1

    async def _generate(self) -> None:
        fate = self.random.choices([*FATES], [*FATES.values()])[0]
        wish = self.wish | {"prompt": f"chaos {fate} {uuid.uuid4().hex}", "count": self.random.randint(1, 4)}
        answer = await self._insist("POST", "/api/generate", wish)
        assert answer.status_code == 202, answer.text
        self.accepted += answer.json()["jobs"]

    async def _make(self) -> None:
        body = {
            "name": "chaos",
            "description": "someone chaos",
            "reference_model_id": self.wish["reference_model_id"],
        }
        answer = await self._insist("POST", "/api/models", body)
        assert answer.status_code == 202, answer.text
        self.accepted.append(answer.json()["job"])
        self.models.append(answer.json()["model"]["id"])

    async def _refine(self) -> None:
        if not self.models:
            return
        model = self.random.choice(self.models)
        answer = await self._insist("POST", f"/api/models/{model}/refine", {"instructions": "chaos bluer"})
        assert answer.status_code in {202, 409}, answer.text  # one training of a model at a time
        if answer.status_code == 202:
            self.accepted.append(answer.json()["job"])

    async def _cancel(self) -> None:
        if not self.accepted:
            return
        job = self.random.choice(self.accepted[-5:])
        answer = await self._insist("DELETE", f"/api/jobs/{job['id']}")
        assert answer.status_code in {200, 202, 409}, answer.text  # what has ended cannot be cancelled

    async def _buy(self) -> None:
        answer = await self._insist("POST", "/api/billing/top-ups", {"pack": "small"})
        if answer.status_code == 201:  # else billing did not say in time where to pay
            assert (await self.till.pay(answer.json()["url"])).status_code == 200
            self.bought += 1

    async def _insist(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        headers = self.team.headers | ({"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {})
        async with asyncio.timeout(ANSWERED_WITHIN):
            while True:
                try:
                    answer = await self.team.http.request(method, path, json=body, headers=headers)
                    if answer.status_code < 500:
                        return answer
                except httpx.TransportError:
                    pass  # asked again, under the same key
                await asyncio.sleep(0.5)
