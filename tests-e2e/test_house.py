"""The rules of the house that no linter knows."""

import importlib
import re
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from pathlib import Path

import pytest

from chassis.commands import Command, main

ROOT = Path(__file__).parent.parent
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").exists())


def contracts_of_the_linter() -> list[dict]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def about_services() -> list[dict]:
    return [c for c in contracts_of_the_linter() if c["name"] != "Contracts know pydantic and nothing else"]


@pytest.mark.parametrize("contract", about_services(), ids=lambda contract: contract["name"])
def test_the_import_linter_knows_every_service(contract: dict):
    named = [name for field in contract.values() if isinstance(field, list) for name in field]
    assert {name.split(".")[0] for name in named} & set(SERVICES) == set(SERVICES)


def test_every_service_has_the_same_rooms():
    for service in SERVICES:
        package = ROOT / "services" / service / "src" / service
        for room in ("application/ports.py", "adapters/inbound", "adapters/outbound"):
            assert (package / room).exists(), f"{service} has no {room}"
        # A folder where a service has several kinds of process.
        assert list(package.glob("bootstrap*")), f"{service} has no bootstrap.py"
        for room in ("settings.py", "migrations", "__main__.py"):
            assert (package / room).exists(), f"{service} has no {room}"
        assert (ROOT / "services" / service / "README.md").exists()


def commands() -> list[tuple[str, str, Command]]:
    return [
        (service, name, command)
        for service in SERVICES
        for name, command in importlib.import_module(f"{service}.__main__").COMMANDS.items()
    ]


@pytest.mark.parametrize(
    ("service", "name", "command"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in commands()]
)
def test_every_command_of_a_service_explains_itself_and_each_of_its_options(service, name, command, capsys):
    with pytest.raises(SystemExit) as ended:
        main(service, {name: command}, [name, "--help"])
    assert ended.value.code == 0
    explained = " ".join(capsys.readouterr().out.split())
    assert explained.startswith(f"usage: python -m {service} {name} [-h]")
    assert command.help in explained
    options = ArgumentParser()
    command.options(options)
    assert [option.dest for option in options._actions if option.dest != "verb" and not option.help] == []


def test_the_documents_made_from_the_code_are_current():
    check = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_the_lock_is_hashed_and_names_no_address():
    lock = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^[a-z0-9].*?==", lock, re.MULTILINE)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock
    assert "index" not in lock
