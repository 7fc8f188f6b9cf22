"""What the HTTP side of the gateway works with; put together in bootstrap."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from gateway.adapters.inbound.http.limits import RateLimiter, Streams
from gateway.application.ask import Asking
from gateway.application.gallery import Gallery
from gateway.application.identity import Identity
from gateway.application.ports import Callers, Fetcher, Links, SignatureKeys, Watch
from gateway.application.reading import (
    Events,
    Frames,
    JobsByKey,
    Lists,
    Payments,
    Previews,
    SourcesByKey,
    Usage,
    Views,
)
from gateway.application.sending import Receivers


@dataclass(frozen=True, slots=True)
class Api:
    """The ports and limits behind the routes; `watch` lets one wait for news of a team."""

    asking: Asking
    callers: Callers
    jobs_by_key: JobsByKey
    sources_by_key: SourcesByKey
    views: Views
    previews: Previews
    frames: Frames
    lists: Lists
    usage: Usage
    events: Events
    payments: Payments
    watch: Callable[[UUID], AbstractContextManager[Watch]]
    links: Links
    gallery: Gallery
    fetcher: Fetcher
    signatures: SignatureKeys
    identity: Identity
    receivers: Receivers
    secure_cookies: bool
    public_url: str
    stripe_secrets: tuple[str, ...]
    limiter: RateLimiter = field(default_factory=RateLimiter)
    streams: Streams = field(default_factory=lambda: Streams(20))


async def _api(request: Request) -> Api:  # async, because FastAPI runs others in a thread
    api: Api = request.app.state.api
    return api


Ports = Annotated[Api, Depends(_api)]
