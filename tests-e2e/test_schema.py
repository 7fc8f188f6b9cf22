"""The API does what its description says, whatever is sent to it: Schemathesis tries, with all its checks.

SCHEMA_SEED=... repeats a run; what failed is told as curl commands. The short runs ask the same each time, so
that a change is judged by what it changed; the long one draws anew.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from e2e.house import PLENTY, House

HERE = Path(__file__).parent
SCOPES = ["read", "generate", "models", "billing", "admin"]
# What only a person with a session may do; signing out would end it.
IN_PERSON = (
    "--include-tag=auth",
    "--include-tag=team",
    "--include-tag=api keys",
    "--exclude-operation-id=sign_out",
)
KEY = '[auth.openapi.apiKey]\nbearer = "${ATELIER_API_KEY}"\n'
SESSION = '[auth.openapi.session]\napi_key = "${ATELIER_SESSION}"\n'


@pytest.fixture
async def caller(house: House) -> dict[str, str]:
    """A rich team's key with every scope, and a session of its owner, as Schemathesis is told of them."""
    team = await house.team(credits_added=100_000, **PLENTY)
    async with httpx.AsyncClient(base_url=house.stack.url, timeout=30) as person:
        who = {"email": team.email, "password": "a long password"}
        assert (await person.post("/api/auth/sign-in", json=who)).status_code == 200
        made = await person.post("/api/api-keys", json={"name": "all", "scopes": SCOPES})
        assert made.status_code == 201, made.text
        return {
            "ATELIER_URL": house.stack.url,
            "ATELIER_API_KEY": made.json()["secret"],
            "ATELIER_SESSION": person.cookies["atelier_session"],
        }


async def judge(
    house: House, caller: dict[str, str], identity: str, seconds: int, *words: str, drawn: int = 1
) -> None:
    """Let Schemathesis ask for so long, with this identity; what it finds fails the test."""
    seed = os.environ.get("SCHEMA_SEED") or str(drawn)
    folder = house.stack.plan.folder
    settings = folder / "schemathesis.toml"
    settings.write_text((HERE / "schemathesis.toml").read_text() + "\n" + identity)
    run = await asyncio.to_thread(
        subprocess.run,
        [
            str(Path(sys.executable).with_name("st")),
            *("--config-file", str(settings), "run", f"{house.stack.url}/openapi.json"),
            *("--checks", "all", "--seed", seed, "--max-time", str(seconds), "--no-color", *words),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | caller | {"PYTHONPATH": str(HERE)},
    )  # fmt: skip
    print(f"SCHEMA_SEED={seed}")
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"Tested: [1-9]", run.stdout), run.stdout


async def test_the_api_is_what_its_description_says(house: House, caller: dict[str, str]):
    await judge(house, caller, KEY, 40)


async def test_what_a_person_may_do_is_what_the_description_says(house: House, caller: dict[str, str]):
    await judge(house, caller, SESSION, 15, *IN_PERSON)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_the_api_is_what_its_description_says_for_ten_minutes(house: House, caller: dict[str, str]):
    drawn = random.SystemRandom().randrange(2**32)
    await judge(house, caller, KEY, 480, "--max-examples", "500", drawn=drawn)
    await judge(house, caller, SESSION, 120, "--max-examples", "300", *IN_PERSON, drawn=drawn)
    await house.is_settled()
