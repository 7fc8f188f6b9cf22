"""The running house, with what its operators can do."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from atelier_local.provision import SERVICES
from atelier_local.stack import Stack
from e2e.client import Client, Json
from e2e.provider import Provider, posts_of

# What is waited for in hours is waited for in seconds here; the rules stay the same.
HURRIED = {
    "jobs": {
        "IMAGE_START_TIMEOUT": "3",
        "IMAGE_USUAL_TIME": "3",
        "IMAGE_POLL_FIRST": "1.5",
        "IMAGE_POLL_MAX": "2",
        "IMAGE_STORE_LEASE": "8",
        "TRAINING_START_TIMEOUT": "4",
        "TRAINING_USUAL_TIME": "6",
        "TRAINING_POLL_FIRST": "2",
        "TRAINING_POLL_MAX": "3",
        "TRAINING_STORE_LEASE": "8",
        "STORE_RETRY": "1",
        "OBJECT_LEASE": "4",
        "SETTLE_REPEAT": "5",
    },
    # All of them come from one address, and some guess at passwords.
    "gateway": {"SIGN_UPS_PER_HOUR": "1000", "SIGN_INS_PER_QUARTER": "100000"},
    "deliverer": {"WEBHOOK_PATIENCE": "2"},
}
PLENTY = {"running": 20, "open": 2_000, "per_minute": 100_000}
IMAGE_ATTEMPTS, TRAINING_ATTEMPTS = 3, 2
OPEN = "state not in ('completed', 'failed', 'cancelled', 'expired')"


@dataclass
class House:
    """The stack, the provider behind it, and the teams in it."""

    stack: Stack
    provider: Provider
    clients: list[Client] = field(default_factory=list)

    async def team(self, *, credits_added: int = 0, **limits: int) -> Client:
        """Sign a team up; an operator sets its limits and adds or takes credits."""
        client = await Client.sign_up(self.stack.url, self.stack.sandbox_url)
        self.clients.append(client)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in limits.items()]
        chores = [self.operate("billing", "limits", "--team", client.team_id, *options)] if limits else []
        if credits_added:
            words = ["--team", client.team_id, f"--amount={credits_added}", "--reason", "for a test"]
            chores.append(self.operate("credits", "adjust", *words))
        await asyncio.gather(*chores)
        await self._told(client, 200 + credits_added, limits)
        return client

    async def operate(self, service: str, *words: str) -> str:
        """Run an operator command, which must succeed."""
        done = await asyncio.to_thread(self.stack.command, service, *words)
        assert done.returncode == 0, f"{service} {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    async def is_settled(self) -> None:
        """Assert that all is over and adds up: no open job, and both audits clean."""
        assert self.query(f"select id, state, data->>'code' from jobs.jobs where {OPEN}") == []
        await asyncio.gather(self.operate("credits", "verify"), self.operate("gateway", "audit"))
        assert await self.parked() == {}

    async def submits_are_explained(self, marker: str) -> list[Json]:
        """Assert that each attempt was posted once, that no step cost more than it may; returns the POSTs."""
        requests = await self.provider.requests(marker)
        assert set(posts_of(requests).values()) <= {1}
        return requests

    def fates(self, job: Json) -> list[list[str]]:
        """Return what became of the provider calls of a job: for each of its steps, each attempt in order."""
        steps = self.query(f"select steps from jobs.jobs where id = '{job['id']}'")
        rows = self.query(
            f"select step, state from jobs.attempts where job_id = '{job['id']}' order by step, n"
        )
        told = [row.split("|") for row in rows]
        return [[fate for at, fate in told if int(at) == step] for step in range(1, int(steps[0]) + 1)]

    async def is_charged_once(self, team: Client, job: Json) -> None:
        """Assert that a job was charged what its receipt says, for no more calls than its doubts allow."""
        lines = await team.history(job=job["id"])
        charged = [line["charged"] for line in lines if line["type"] == "deduct"]
        captured = job["receipt"]["captured"]
        assert charged == ([captured] if captured else []), (job, lines)
        assert captured + job["receipt"]["released"] == job["receipt"]["held"], job
        most = IMAGE_ATTEMPTS if job["type"] == "generate_images" else max(IMAGE_ATTEMPTS, TRAINING_ATTEMPTS)
        for fates in self.fates(job):
            assert fates.count("succeeded") <= 1, fates
            assert len([fate for fate in fates if fate != "not_accepted"]) <= most, fates

    def took_one_call_a_step(self, job: Json) -> bool:
        """Tell whether each step of a job cost one provider call, and that one succeeded."""
        return all(fates == ["succeeded"] for fates in self.fates(job))

    def query(self, sql: str) -> list[str]:
        """Look into the database as an operator would."""
        return self.stack.nodes.postgres.sql(sql, self.stack.plan.database).split("\n")[:-1]

    def outboxes(self) -> dict[str, int]:
        """Count what each service still has to send."""
        counts = " union all ".join(f"select '{name}', count(*) from {name}.outbox" for name in SERVICES)
        return {name: int(count) for name, count in (row.split("|") for row in self.query(counts))}

    async def waiting(self) -> dict[str, int]:
        """Count the messages of each queue that has any."""
        words = ("list_queues", "-p", self.stack.plan.vhost, "name", "messages", "--no-table-headers")
        listing = await asyncio.to_thread(self.stack.nodes.rabbitmq.ctl, *words)
        rows = [line.split() for line in listing.splitlines()]
        return {name: int(count) for name, count in rows if count != "0"}

    async def parked(self) -> dict[str, int]:
        """Count the messages that were put aside because nobody could handle them."""
        return {name: count for name, count in (await self.waiting()).items() if ".parked" in name}

    async def crash(self, name: str, pause: float = 0.5) -> None:
        """Kill a process (kill -9), leave it down for a moment, and start it again."""
        await asyncio.to_thread(self.stack.kill, name)
        await asyncio.sleep(pause)
        await asyncio.to_thread(self.stack.start_service, name)

    async def _told(self, client: Client, credits_there: int, limits: dict[str, int]) -> None:
        """Wait until what operators did has reached the team's own view, and jobs."""
        async with asyncio.timeout(30):
            while True:
                balance = await client.balance()
                shown = (balance["available"], balance["open_limit"], balance["running_limit"])
                wanted = (credits_there, limits.get("open", 20), limits.get("running", 1))
                if shown == wanted and self._planned(client, limits):
                    return
                await asyncio.sleep(0.1)

    def _planned(self, client: Client, limits: dict[str, int]) -> bool:
        """Whether jobs and the gateway's own limiter know, too."""
        team = f"where team_id = '{client.team_id}'"
        running = self.query(f"select running from jobs.plans {team}")
        pace = self.query(f"select per_minute from gateway.view_plans {team}")
        return (running, pace) == ([str(limits.get("running", 1))], [str(limits.get("per_minute", 60))])


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[House]:
    """Open a house on a stack that runs."""
    provider = await Provider.at(stack.sandbox_url, stack.plan.folder / "sandbox" / "ca")
    made = House(stack, provider)
    async with provider.behaving():
        yield made
    for client in made.clients:
        await client.close()
    await provider.close()


async def together(jobs: Iterable) -> list:
    """Await many things at once, in their order."""
    return list(await asyncio.gather(*jobs))
