"""Each process of the gateway loads what it needs, and not what another one does."""

import subprocess
import sys

import pytest

HEAVY = {
    "fastapi",
    "botocore",
    "boto3",
    "cryptography",
    "httpx",
    "faststream",
    "opentelemetry.sdk",
    "alembic",
    "sqlalchemy",
}
NEEDS = {
    "projecting": set(),
    "delivering": {"botocore", "httpx"},
    "serving": {"botocore", "cryptography", "fastapi", "httpx"},
}


@pytest.mark.parametrize("process", NEEDS)
def test_a_process_loads_what_it_needs_alone(process: str):
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, gateway.__main__, gateway.bootstrap.{process}\nprint(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY & set(told.stdout.split()) == NEEDS[process]
