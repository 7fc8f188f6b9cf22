"""docs/backups.md is followed word by word: a schema of last night, and all that depends on it made anew."""

import asyncio
import re
import subprocess
from pathlib import Path

import pytest
from e2e.client import LOOK_EVERY, Client
from e2e.house import House

from atelier_local.binaries import postgres_folder

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PAGE = (Path(__file__).parent.parent / "docs" / "backups.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def written(beginning: str) -> list[str]:
    """Return the page's commands that begin like this."""
    found = [command for command in COMMANDS if command.startswith(beginning)]
    assert found
    return found


async def as_superuser(house: House, folder: Path, beginning: str) -> None:
    """Run what the page says, where the dump is."""
    url = house.stack.nodes.postgres.dsn(house.stack.plan.database)
    for command in written(beginning):
        words = [command.replace("$SUPERUSER_URL", url)]
        place = {"PATH": f"{postgres_folder()}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", *words],
            cwd=folder,
            env=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


async def operators_do(house: House, *commands: str) -> None:
    for command in commands:
        service, *words = command.removeprefix("python -m ").split()
        await house.operate(service, *words)


async def shows(team: Client, path: str) -> None:
    async with asyncio.timeout(120):
        while (await team.read(path)).status_code != 200:
            await asyncio.sleep(LOOK_EVERY)


async def test_the_gateway_comes_back_from_last_night_with_what_happened_since(house: House, tmp_path: Path):
    team = await house.team(credits_added=100)
    before = await team.end(await team.generate("before the backup", 1))
    await as_superuser(house, tmp_path, "pg_dump")
    since = await team.end(await team.generate("since the backup", 2))
    balance, history = await team.balance(), await team.history()
    seen = await team.get(f"/api/jobs/{since['id']}")

    for name in ("gateway", "deliverer", "projector"):
        await asyncio.to_thread(house.stack.stop_service, name)
    await as_superuser(house, tmp_path, "psql")
    await as_superuser(house, tmp_path, "pg_restore")
    await operators_do(house, "gateway migrate")
    assert house.query(f"select id from gateway.view_jobs where id = '{since['id']}'") == []
    await asyncio.to_thread(house.stack.start_service, "projector")
    await operators_do(house, *[command for command in written("python -m") if command.endswith(" announce")])
    for name in ("gateway", "deliverer"):
        await asyncio.to_thread(house.stack.start_service, name)

    await shows(team, f"/api/jobs/{since['id']}")
    again = await team.get(f"/api/jobs/{since['id']}")
    assert {**again, "results": None} == {**seen, "results": None}
    assert [image["id"] for image in again["results"]] == [image["id"] for image in seen["results"]]
    assert (await team.get(f"/api/jobs/{before['id']}"))["status"] == "completed"
    assert (await team.balance(), await team.history()) == (balance, history)
    ended = await team.end(await team.generate("after the restore", 1))
    assert ended["receipt"]["captured"] == 2
    await house.is_settled()
