import pytest
from services.jobs.tests.fakes import House


@pytest.fixture
def house() -> House:
    return House()
