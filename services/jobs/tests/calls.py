"""Calls of the provider, made and followed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

from jobs.adapters.outbound.fal import Fal
from jobs.domain.calls import ProviderCall, ProviderStatus, StepKind, Submitted


def picture(**changes) -> ProviderCall:
    usual = {"kind": StepKind.GENERATE, "start_timeout": 60, "prompt": "a red chair"}
    return ProviderCall(**usual | changes)


async def submit(
    fal: Fal, call: ProviderCall | None = None, callback="https://127.0.0.1:9/none"
) -> Submitted:
    return await fal.submit(call or picture(), uuid4(), callback)


async def finished(fal: Fal, submitted: Submitted) -> None:
    async with asyncio.timeout(10):
        async for status in statuses(fal, submitted):
            if status.state == "completed":
                return


async def statuses(fal: Fal, submitted: Submitted) -> AsyncIterator[ProviderStatus]:
    while True:
        yield await fal.status(submitted)
        await asyncio.sleep(0.02)
