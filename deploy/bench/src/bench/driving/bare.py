"""`python -m bench.driving.bare`: the least a FastAPI does for a job: one it has, or an indexed read."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response

READ = "select cast(document as text) from gateway.view_jobs where id = $1"
LIST = "select cast(document as text) from gateway.view_jobs where team_id = $1 order by id desc limit $2"


def create_app(dsn: str) -> FastAPI:
    """Serve documents as they are stored, to whoever asks."""

    @asynccontextmanager
    async def pooled(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as app.state.pool:
            yield

    app, had = FastAPI(lifespan=pooled), {}

    @app.get("/read/{job_id}")
    async def read(job_id: UUID, request: Request) -> Response:
        found = await request.app.state.pool.fetchval(READ, job_id)
        return Response(found, media_type="application/json")

    @app.get("/list/{team_id}/{limit}")
    async def listed(team_id: UUID, limit: int, request: Request) -> Response:
        rows = await request.app.state.pool.fetch(LIST, team_id, limit)
        body = '{"data":[' + ",".join(row[0] for row in rows) + "]}"
        return Response(body, media_type="application/json")

    @app.get("/bare/{job_id}")
    async def bare(job_id: UUID, request: Request) -> Response:
        if job_id not in had:
            had[job_id] = await request.app.state.pool.fetchval(READ, job_id)
        return Response(had[job_id], media_type="application/json")

    return app


if __name__ == "__main__":
    # As the gateway is served: one process, uvloop, no access log.
    uvicorn.run(
        create_app(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", access_log=False, log_level="warning"
    )
