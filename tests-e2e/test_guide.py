"""Whoever follows docs/api.md gets what it says: its code is run, piece by piece, in its order."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from e2e.client import Client
from e2e.house import House

from atelier_local.binaries import install

GUIDE = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
PIECES = re.findall(r"^```(bash|python)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
SHELL = ["bash", "-euo", "pipefail", "-c"]


@pytest.fixture(scope="module")
async def reader(house: House) -> Client:
    """Somebody who has just signed up, on a machine with the tools that the guide names."""
    if missing := [tool for tool in ("curl", "jq") if shutil.which(tool) is None]:
        install(missing)
    return await house.team()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


@pytest.mark.parametrize(("language", "code"), PIECES, ids=range(1, len(PIECES) + 1))
async def test_the_code_of_the_guide_works(house: House, reader: Client, folder: Path, language, code):
    place = {
        "ATELIER_URL": house.stack.url,
        "ATELIER_API_KEY": reader.headers["Authorization"].removeprefix("Bearer "),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    words = [*SHELL, code] if language == "bash" else [sys.executable, "-c", code]
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=os.environ | place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, f"{code}\n{said.decode()}"


async def test_the_reader_has_what_the_guide_promised(folder: Path):
    assert (folder / "lighthouse.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert len(list((folder / "images").glob("a-lighthouse-at-dawn-*.jpg"))) == 2
    assert (folder / "images.zip").read_bytes().startswith(b"PK")
