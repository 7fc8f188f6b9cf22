"""docs/backups.md is followed word by word: a schema of last night, and all that depends on it made anew."""

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from e2e.client import LOOK_EVERY, Client
from e2e.house import House
from e2e.provider import fault

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


async def as_superuser(house: House, folder: Path, beginning: str, service: str = "gateway") -> None:
    """Run what the page says, where the dump is, for a service."""
    url = house.stack.nodes.postgres.dsn(house.stack.plan.database)
    for command in written(beginning):
        words = [command.replace("gateway", service).replace("$SUPERUSER_URL", url)]
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


async def dumped(house: House, folder: Path, service: str) -> None:
    await as_superuser(house, folder, "pg_dump", service)


async def restored(house: House, folder: Path, service: str) -> str:
    """Bring a service back from its dump, as the page says; returns the floor its versions were lifted to."""
    await asyncio.to_thread(house.stack.stop_service, service)
    await as_superuser(house, folder, "psql", service)
    await as_superuser(house, folder, "pg_restore", service)
    (migrate,) = written("python -m catalog migrate")
    (lift,) = written("python -m catalog lift")
    await operators_do(house, migrate.replace("catalog", service))
    lifted = await house.operate(service, *shlex.split(lift)[3:])
    await asyncio.to_thread(house.stack.start_service, service)
    await operators_do(house, *[command for command in written("python -m") if command.endswith(" announce")])
    await is_said(house)
    return re.findall(r"--below (\d+)", lifted)[0]


async def is_said(house: House) -> None:
    """Wait until what was announced has arrived everywhere."""
    quiet = 0
    async with asyncio.timeout(120):
        while quiet < 3:
            busy = [queue for queue in await house.waiting() if ".parked" not in queue]
            quiet = 0 if busy or any(house.outboxes().values()) else quiet + 1
            await asyncio.sleep(LOOK_EVERY)


async def tried(house: House, command: str, **values: str) -> tuple[int, list[str]]:
    """Type a command of the page; returns how it ended and what it printed."""
    assert command in COMMANDS
    line = command
    for name, value in values.items():
        line = line.replace(f"${name}", value)
    service, *words = shlex.split(line.removeprefix("python -m "))
    done = await asyncio.to_thread(house.stack.command, service, *words)
    return done.returncode, done.stdout.splitlines()


async def mended(house: House, service: str, floor: str) -> list[str]:
    """Mend what a service no longer knows; returns what was listed before and is done."""
    (look, mend) = [command.replace("catalog", service) for command in written("python -m gateway mend")]
    words = [shlex.split(command.replace("$FLOOR", floor))[3:] for command in (look, mend)]
    looked = await asyncio.to_thread(house.stack.command, "gateway", *words[0])
    listed = looked.stdout.splitlines()[:-1]
    assert looked.returncode == bool(listed), looked.stderr
    assert (await house.operate("gateway", *words[1])).splitlines()[:-1] == listed
    return listed


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


async def test_catalog_comes_back_from_last_night_and_is_heard_again(house: House, tmp_path: Path):
    team = await house.team(credits_added=300)
    first = await team.create_model("Before")
    await team.end(first)
    await team.until(first["model_id"], 1)
    await dumped(house, tmp_path, "catalog")
    renamed = await team.change("PATCH", f"/api/models/{first['model_id']}", {"name": "Since"})
    assert renamed.status_code == 200, renamed.text
    second = await team.create_model("Second")
    await team.end(second)
    await team.until(second["model_id"], 1)

    floor = await restored(house, tmp_path, "catalog")
    assert await mended(house, "catalog", floor) == []

    assert (await team.model(first["model_id"]))["name"] == "Before"
    assert (await team.model(second["model_id"]))["name"] == "Second"  # as jobs remembers it
    versions = house.query(f"select version from gateway.view_models where team_id = '{team.team_id}'")
    assert {int(version) >= int(floor) for version in versions} == {True}
    again = await team.change("PATCH", f"/api/models/{first['model_id']}", {"name": "Again"})
    assert (again.status_code, (await team.model(first["model_id"]))["name"]) == (200, "Again")
    drawn = [await team.generate("restored", 1, model_id=made["model_id"]) for made in (first, second)]
    assert [job["status"] for job in await team.ends(drawn)] == ["completed", "completed"]
    assert (await team.change("DELETE", f"/api/models/{second['model_id']}")).status_code == 204
    async with asyncio.timeout(30):
        gone = f"select 1 from jobs.models where id = '{second['model_id']}' and status = 'deleted'"
        while not house.query(gone):
            await asyncio.sleep(LOOK_EVERY)
    await house.is_settled()


async def test_credits_comes_back_from_last_night_and_every_job_is_charged_once(house: House, tmp_path: Path):
    team = await house.team(credits_added=100, running=5)
    await team.end(await team.generate("before the dump", 1))
    slow = [
        fault("slow", marker, at="run", seconds=seconds)
        for marker, seconds in {"across the dump": 8, "across the restore": 60}.items()
    ]
    async with house.provider.behaving(*slow, fault("unsafe", "in vain")):
        across = await team.generate("across the dump", 2)
        await house.provider.request("IN_PROGRESS", "across the dump")
        await dumped(house, tmp_path, "credits")
        await team.end(across)
        since = await team.end(await team.generate("since the dump", 3))
        await team.end(await team.generate("in vain", 1))
        given = ["--team", team.team_id, "--amount=50", "--reason", "given since the dump"]
        await house.operate("credits", "adjust", *given)
        running = await team.generate("across the restore", 4)
        await house.provider.request("IN_PROGRESS", "across the restore")

        floor = await restored(house, tmp_path, "credits")
        listed = await mended(house, "credits", floor)
        # captured; reserve and deduct; reserve and refund; adjustment; reserve
        assert len([line for line in listed if f"team {team.team_id}: line" in line]) == 7
        book = "python -m credits adjust --team $TEAM --amount 50"
        (line,) = written(book)
        assert (await tried(house, line, TEAM=team.team_id))[0] == 0

        status, found = await tried(house, "python -m gateway audit")
        about = f"team {team.team_id}: job"
        assert status == 1
        receipt = "its receipt says captured 6, the history 0; its receipt says held 6, the history 0"
        expected = {
            f"{about} {across['id']}: completed, and 4 credits are still held",
            f"{about} {since['id']}: completed without a deduct",
            f"{about} {since['id']}: {receipt}",
        }
        assert {line for line in found if line.startswith("team ")} == expected
        await tried(house, "python -m gateway audit --heal --limit 1000")
        ended = await team.end(running, within=150)
    assert ended["receipt"]["captured"] == 8, ended
    await is_said(house)
    await house.is_settled()
    balance = await team.balance()
    assert (balance["available"], balance["reserved"]) == (300 + 50 - 2 - 4 - 6 - 8, 0)
    assert (await team.end(await team.generate("after the restore", 1)))["receipt"]["captured"] == 2
    await house.is_settled()


async def test_jobs_comes_back_from_last_night_and_does_what_it_forgot(house: House, tmp_path: Path):
    team = await house.team(credits_added=100, running=5)
    before = await team.end(await team.generate("before the dump", 1))
    await dumped(house, tmp_path, "jobs")
    since = await team.end(await team.generate("since the dump", 2))
    async with house.provider.behaving(fault("slow", "forgotten", at="run", seconds=600)):
        forgotten = await team.generate("forgotten", 3)
        await house.provider.request("IN_PROGRESS", "forgotten")
    floor = await restored(house, tmp_path, "jobs")
    assert (await team.get(f"/api/jobs/{since['id']}"))["status"] == "completed"
    assert sorted(line for line in await mended(house, "jobs", floor) if team.team_id in line) == sorted(
        [
            f"team {team.team_id}: job {since['id']} (completed): shown as it is",
            f"team {team.team_id}: job {forgotten['id']} (processing): asked for again",
        ]
    )
    ended = await team.end(forgotten)
    assert (ended["status"], ended["receipt"]["captured"]) == ("completed", 6)
    assert (await team.get(f"/api/jobs/{before['id']}"))["status"] == "completed"
    assert (await team.end(await team.generate("after the restore", 1)))["receipt"]["captured"] == 2
    assert (await team.balance())["available"] == 300 - 2 - 4 - 6 - 2
    await house.is_settled()
