from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier_local.nodes import Nodes, forget, private_nodes


@pytest.fixture(scope="module")
def own_nodes(tmp_path_factory) -> Iterator[Nodes]:
    """Private nodes that a test may stop and kill without disturbing the others."""
    made = private_nodes(tmp_path_factory.mktemp("own"))
    made.start()
    yield made
    made.stop()
    forget(made)


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    """A folder in which nobody but its owner gets anywhere, like root's home."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed
