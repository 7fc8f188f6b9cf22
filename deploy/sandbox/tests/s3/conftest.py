import pytest

from .stand import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("s3"))
    yield running
    running.stop()


@pytest.fixture
def jobs(sandbox):
    sandbox.control("PUT", "/s3/faults", {})
    sandbox.control("DELETE", "/s3/objects")
    client = sandbox.client()
    yield client
    client.close()


@pytest.fixture
def gateway(sandbox):
    client = sandbox.client("gateway-key")
    yield client
    client.close()
