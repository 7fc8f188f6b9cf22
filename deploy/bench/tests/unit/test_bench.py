"""Two benches at once would measure each other, and the first to end would take the servers of both away."""

import pytest

from atelier_local.errors import CannotStart
from atelier_local.locks import only_one
from bench import bench
from bench.bench import Bench, Scale


def test_a_second_bench_is_refused_before_it_touches_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    with (
        only_one(tmp_path / "state" / "lock"),
        Bench(Scale(), lambda _: None) as second,
        pytest.raises(CannotStart, match=str(tmp_path)),
    ):
        second.nodes.start()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
