"""A typed client that anyone can generate from docs/openapi.json works."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from e2e.client import Client
from e2e.house import House

ROOT = Path(__file__).parents[1]
PROGRAM = Path(__file__).parent / "e2e" / "typed.py"
NAME = "atelier_generated"
# The pictures of reference models are the only answers that are no text; this generator wants to be told.
SETTINGS = """
post_hooks: []
content_type_overrides:
  image/webp: application/octet-stream
"""
# The generator's own template of client.py is not quite what httpx's types say.
TYPES = f"""
[mypy]
strict = True
[mypy-{NAME}.client]
ignore_errors = True
"""


async def run(folder: Path, *words: str) -> str:
    """Run Python where the client is."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "MYPYPATH": str(folder)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
async def generated(tmp_path: Path) -> Path:
    """Generate the client; a warning, which says that something had to be left out, is a failure."""
    (tmp_path / "generate.yaml").write_text(SETTINGS)
    (tmp_path / "mypy.ini").write_text(TYPES)
    described = ["--path", str(ROOT / "docs" / "openapi.json"), "--config", "generate.yaml"]
    written = ["--output-path", NAME, "--meta", "none", "--fail-on-warning"]
    await run(tmp_path, "-m", "openapi_python_client", "generate", *described, *written)
    return tmp_path


async def test_a_generated_client_is_well_typed_and_makes_images(
    house: House, studio: Client, generated: Path
):
    await run(generated, "-m", "mypy", "--config-file", "mypy.ini", NAME, str(PROGRAM))
    key = studio.headers["Authorization"].removeprefix("Bearer ")
    job = json.loads(await run(generated, str(PROGRAM), house.stack.url, key))
    assert (job["status"], job["quantity"], job["receipt"]["captured"]) == ("completed", 2, 4)
    assert job["plans"] == ["free", "starter", "pro", "business"]
    async with httpx.AsyncClient() as client:
        images = [await client.get(result["url"]) for result in job["results"]]
    assert [(one.status_code, one.headers["content-type"]) for one in images] == [(200, "image/jpeg")] * 2
