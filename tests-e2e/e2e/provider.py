"""The provider's side: what was asked of it, what it is told to do wrong, the webhooks and traces it has."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox import certificates
from sandbox.fal.webhooks import Signer

Json = dict[str, Any]

TRAINER = "fal-ai/flux-lora-portrait-trainer"
USUAL = {"image_seconds": 0.3, "training_seconds": 1.0, "tiny_images": 64, "concurrency": 40}


def fault(
    name: str, marker: str, *, at: str | None = None, times: int | None = None, **params: object
) -> Json:
    """Write a rule: this goes wrong for every call whose prompt contains the marker."""
    return {"fault": name, "match": {"prompt_contains": marker}, "at": at, "times": times, "params": params}


@dataclass
class Provider:
    """The sandbox's control API, and its webhook key, with which a test can sign what fal never sent."""

    http: httpx.AsyncClient
    signer: Signer

    @classmethod
    async def at(cls, url: str, certificates_folder: Path) -> "Provider":
        """Find the sandbox of a stack."""
        key = certificates.webhook_key(certificates_folder)
        return cls(httpx.AsyncClient(base_url=url, timeout=30), Signer(key))

    @asynccontextmanager
    async def behaving(self, *rules: Json, **timing: object) -> AsyncIterator[None]:
        """Let it misbehave, or take its time, for a while; every fault must really have happened."""
        await self._call("PUT", "/faults", list(rules))
        await self._call("PUT", "/timing", USUAL | timing)
        try:
            yield
            idle = [rule for rule in await self._call("GET", "/faults") if not rule["applied"]]
            assert not idle, idle
        finally:
            await self._call("PUT", "/faults", [])
            await self._call("PUT", "/timing", USUAL)

    async def follow(self, *rules: Json) -> None:
        """Do these things wrong from now on, and nothing else."""
        await self._call("PUT", "/faults", list(rules))

    async def requests(self, marker: str = "") -> list[Json]:
        """List the POSTs whose prompt contains the marker, oldest first."""
        return [one for one in await self._call("GET", "/requests") if marker in one["prompt"]]

    async def request(self, wanted: str, marker: str, endpoint: str = "", within: float = 30) -> Json:
        """Wait for a POST with the marker to be in a state (IN_QUEUE, IN_PROGRESS, COMPLETED)."""
        async with asyncio.timeout(within):
            while True:
                asked = await self.requests(marker)
                found = [one for one in asked if one["state"] == wanted and endpoint in one["endpoint"]]
                if found:
                    return found[0]
                await asyncio.sleep(0.02)

    async def deliveries(self, request_id: str) -> list[Json]:
        """List the webhooks of a request."""
        return await self._call("GET", f"/deliveries?request_id={request_id}")

    async def redeliver(self, request_id: str) -> Json:
        """Send the webhook of a request once more."""
        first = (await self.deliveries(request_id))[0]
        return await self._call("POST", f"/deliveries/{first['id']}/redeliver")

    async def flush(self) -> None:
        """Send at once every webhook that waits for its next try."""
        await self._call("POST", "/webhooks/flush")

    def signed(self, request_id: str, body: bytes) -> dict[str, str]:
        """Return the headers of a genuine webhook with this body."""
        return self.signer.headers(request_id, body) | {"Content-Type": "application/json"}

    async def objects(self, prefix: str) -> list[str]:
        """List the keys in the bucket."""
        return [
            found["key"] for found in (await self._call("GET", f"/s3/objects?prefix={prefix}"))["objects"]
        ]

    async def traces(self, attribute: str, value: str) -> list[Json]:
        """Find the traces with a span of this attribute."""
        return (await self._call("GET", f"/traces?attribute={attribute}:{value}"))["traces"]

    async def spans(self, trace_id: str) -> list[Json]:
        """Return the spans of a trace, in the order they began."""
        return (await self._call("GET", f"/traces/{trace_id}"))["spans"]

    async def close(self) -> None:
        """Hang up."""
        await self.http.aclose()

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def posts_of(requests: Iterable[Json]) -> dict[str, int]:
    """Count the POSTs of each attempt: the webhook address names it."""
    counted: dict[str, int] = {}
    for one in requests:
        counted[one["webhook_url"]] = counted.get(one["webhook_url"], 0) + 1
    return counted
