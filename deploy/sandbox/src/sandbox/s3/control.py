"""The S3 half of the control API: faults, the clock, and a look into the bucket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from aiohttp import web

from sandbox.s3.lifecycle import iso
from sandbox.s3.state import BUCKET, Bucket, Faults


def control_routes(app: web.Application) -> Iterable[web.RouteDef]:
    """Return the routes under `/s3` that steer the S3 application given."""
    control = _Control(app[BUCKET])
    return [
        web.get("/s3/faults", control.get_faults),
        web.put("/s3/faults", control.put_faults),
        web.get("/s3/clock", control.get_clock),
        web.post("/s3/clock", control.advance_clock),
        web.get("/s3/objects", control.list_objects),
        web.delete("/s3/objects", control.delete_objects),
    ]


class _Control:
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def get_faults(self, _: web.Request) -> web.Response:
        faults = self._bucket.faults
        return web.json_response(asdict(faults) | {"methods": sorted(faults.methods)})

    async def put_faults(self, request: web.Request) -> web.Response:
        """Replace all faults: `{"slow_down": n, "slow_ms": ms, "methods": ["PUT"]}`, each optional."""
        asked = await request.json()
        try:
            faults = Faults(
                slow_down=int(asked.pop("slow_down", 0)),
                slow_ms=int(asked.pop("slow_ms", 0)),
                methods=frozenset(asked.pop("methods", ())),
            )
        except (TypeError, ValueError, AttributeError) as problem:
            raise web.HTTPBadRequest(text=str(problem)) from None
        if asked:
            raise web.HTTPBadRequest(text=f"unknown: {', '.join(asked)}")
        self._bucket.faults = faults
        return await self.get_faults(request)

    async def get_clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": iso(self._bucket.clock.now())})

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Move the clock by `{"advance_days": n}` and delete what the lifecycle rules end by then."""
        days = (await request.json()).get("advance_days")
        if not isinstance(days, int | float) or days < 0:
            raise web.HTTPBadRequest(text="advance_days must be a number that is not negative")
        clock = self._bucket.clock
        clock.advance(days)
        expired = self._bucket.lifecycle.execute(self._bucket.store, clock.now())
        return web.json_response({"now": iso(clock.now()), "expired": expired})

    async def list_objects(self, request: web.Request) -> web.Response:
        store = self._bucket.store
        found = [store.get(key) for key in store.keys(request.query.get("prefix", ""))]
        listed = [
            {
                "key": stored.key,
                "size": stored.size,
                "etag": stored.etag,
                "content_type": stored.headers.get("content-type", ""),
                "modified": iso(stored.modified),
            }
            for stored in found
            if stored
        ]
        return web.json_response({"objects": listed, "total": len(listed)})

    async def delete_objects(self, request: web.Request) -> web.Response:
        store = self._bucket.store
        keys = list(store.keys(request.query.get("prefix", "")))
        for key in keys:
            store.delete(key)
        return web.json_response({"deleted": len(keys)})
