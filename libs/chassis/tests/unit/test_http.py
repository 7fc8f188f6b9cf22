import json

import httpx
from fastapi import FastAPI

from chassis.health import Health
from chassis.http import Problem, install_operations, problem


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def test_a_problem_is_told_with_its_code_and_what_belongs_to_it():
    refused = Problem(402, "insufficient_credits", "Eight credits are needed.", required=8, spendable=3)
    answer = problem(refused)
    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(answer.body)) == {
        "type": "urn:atelier:problem:insufficient_credits",
        "title": "Insufficient credits",
        "status": 402,
        "code": "insufficient_credits",
        "detail": "Eight credits are needed.",
        "required": 8,
        "spendable": 3,
    }


async def test_readiness_is_red_while_any_part_does_not_work():
    app, health = FastAPI(), Health()
    install_operations(app, health)
    async with client(app) as http:
        health.up("relay")
        health.down("consumers", "no consumer on credits.commands")
        red = await http.get("/health/ready")
        health.up("consumers")
        green = await http.get("/health/ready")
        alive = await http.get("/health/live")
        metrics = await http.get("/metrics")
    assert (red.status_code, red.json()["parts"]["consumers"]) == (503, "no consumer on credits.commands")
    assert (green.status_code, green.json()["ready"]) == (200, True)
    assert alive.status_code == 200
    assert 'atelier_ready{part="consumers"} 1.0' in metrics.text


async def test_a_process_that_can_do_without_a_part_is_ready_without_it_and_still_tells():
    app, health = FastAPI(), Health(needed={"database"})
    install_operations(app, health)
    async with client(app) as http:
        early = await http.get("/health/ready")
        health.up("database")
        health.down("relay", "the broker is away")
        ready = await http.get("/health/ready")
        health.down("database", "it is gone")
        red = await http.get("/health/ready")
    assert early.status_code == 503
    assert (ready.status_code, ready.json()["parts"]["relay"]) == (200, "the broker is away")
    assert red.status_code == 503


async def test_a_process_that_leaves_is_not_ready():
    app, health = FastAPI(), Health()
    install_operations(app, health)
    health.up("relay")
    health.leave()
    async with client(app) as http:
        assert (await http.get("/health/ready")).status_code == 503
        assert (await http.get("/health/live")).status_code == 200
