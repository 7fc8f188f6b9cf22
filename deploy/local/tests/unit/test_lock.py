import re
from pathlib import Path

from atelier_local.python import entry

LOCK = """anyio==4.9.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
uv==0.9.1 ; sys_platform != 'win32' \\
    --hash=sha256:cc \\
    --hash=sha256:dd
uvicorn==0.38.0 \\
    --hash=sha256:ee
"""


def test_one_package_is_taken_from_the_lock_with_its_hashes():
    wanted = "uv==0.9.1 ; sys_platform != 'win32' \\\n    --hash=sha256:cc \\\n    --hash=sha256:dd\n"
    assert entry(LOCK, "uv") == wanted


def test_the_last_package_is_taken_whole():
    assert entry(LOCK, "uvicorn") == "uvicorn==0.38.0 \\\n    --hash=sha256:ee\n"


def test_our_lock_names_versions_and_hashes_and_nothing_else():
    lock = (Path(__file__).parents[4] / "requirements.txt").read_text()
    other = [
        line
        for line in lock.splitlines()
        if not re.match(r"[a-z0-9._-]+(\[.*\])?==|    --hash=sha256:", line)
    ]
    assert other == []
    assert "://" not in lock
