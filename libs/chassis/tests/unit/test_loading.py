"""What describes and migrates tables is not loaded where they are used."""

import subprocess
import sys

import pytest

LOADED = "import sys, {}.__main__\nprint(*sys.modules)"


@pytest.mark.parametrize("service", ["credits", "jobs", "catalog", "billing", "gateway"])
def test_a_service_loads_no_sqlalchemy_and_no_alembic(service: str):
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(service)], capture_output=True, text=True, check=True
    )
    assert {"sqlalchemy", "alembic"} & set(told.stdout.split()) == set()
