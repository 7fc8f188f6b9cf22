"""From the provider's webhook to an image that can be read, and from a change to the event stream."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.bench import Bench
from bench.driving.customers import Customer
from bench.driving.lines import Json, Lines, written
from bench.driving.stream import following
from bench.driving.work import jobs_of
from bench.figures import at_most, percentile

MOST = 150.0
RATE = 5
WITHIN = 60.0


@dataclass
class _Watch:
    """What one client hears of its jobs, and reads as soon as they are completed."""

    lines: Lines
    customer: Customer
    wanted: int
    reading: asyncio.TaskGroup
    heard: list[float] = field(default_factory=list)
    readable: dict[str, datetime] = field(default_factory=dict)
    all_read: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Json, at: datetime) -> None:
        job = event["data"]
        if event["type"] != "job.changed":
            return
        self.heard.append(_milliseconds(job["updated_at"], at))
        if job["status"] == "completed":
            self.reading.create_task(self._read(job["id"]))

    async def _read(self, job_id: str) -> None:
        """Read the job as any client would, then its image by the link it has."""
        job = (await self.lines.ask(self.customer.get(f"/api/generate/{job_id}"))).json()
        await _fetch(job["results"][0]["url"])
        self.readable[job["recipe"]["prompt"]] = datetime.now(UTC)
        if len(self.readable) == self.wanted:
            self.all_read.set()


def measure(bench: Bench) -> None:
    """Measure at five jobs a second, with real pictures that are drawn already."""
    bench.provider.answer_at_once(tiny=False)
    customer = bench.customers[0]
    asyncio.run(_run(bench, customer, 5))
    runs = [asyncio.run(_run(bench, customer, bench.scale.webhooks)) for _ in range(bench.scale.runs)]
    for share, promise in ((0.5, at_most(MOST)), (0.99, None)):
        figures = [percentile(readable, share) for readable, _ in runs]
        bench.report.add(f"webhook to readable image, p{share * 100:.0f}", "ms", figures, promise)
    for share in (0.5, 0.99):
        figures = [percentile(heard, share) for _, heard in runs]
        bench.report.add(f"a change to the event stream, p{share * 100:.0f}", "ms", figures)


async def _run(bench: Bench, customer: Customer, number: int) -> tuple[Sequence[float], Sequence[float]]:
    lines = Lines(bench.stack.url)
    async with asyncio.timeout(WITHIN + number / RATE), asyncio.TaskGroup() as reading:
        watch = _Watch(lines, customer, number, reading)
        async with following(bench.stack.url, customer.headers, watch.hear):
            for _ in range(number):
                jobs_of(await lines.ask(customer.wish(uuid.uuid4().hex)))
                await asyncio.sleep(1 / RATE)
            await watch.all_read.wait()
    lines.close()
    sent = await asyncio.to_thread(bench.provider.called_back)
    readable = [
        _milliseconds(next(at for asked, at in sent.items() if prompt in asked), read)
        for prompt, read in watch.readable.items()
    ]
    bench.say(
        f"webhook to readable p50 {percentile(readable, 0.5):.0f} ms, "
        f"a change to the stream p50 {percentile(watch.heard, 0.5):.0f} ms"
    )
    return readable, watch.heard


def _milliseconds(since: str, until: datetime) -> float:
    return (until - datetime.fromisoformat(since)).total_seconds() * 1000


async def _fetch(url: str) -> None:
    lines = Lines(url)
    _, _, host, path = url.split("/", 3)  # the signature covers both
    answer = await lines.ask(written("GET", f"/{path}", host=host))
    lines.close()
    if answer.status != 200 or not answer.body:
        raise RuntimeError(f"the image cannot be read: {answer.status}")
