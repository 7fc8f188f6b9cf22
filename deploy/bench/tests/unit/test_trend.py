"""What is found to grow, and what is not."""

import pytest

from bench.bench import SERVICES
from bench.figures import Report
from bench.keeping import HISTORY, PRUNED
from bench.measurements.soak import report_memory, report_tables
from bench.trend import settled, slope
from bench.watching import Sample


def sample(minute: int, *, memory: float = 100.0, rows: int = 10) -> Sample:
    return Sample(
        hours=minute / 60,
        pids=dict.fromkeys(SERVICES, 1),
        memory=dict.fromkeys(SERVICES, 100.0) | {"jobs": memory},
        rows={"jobs.jobs": minute * 60, "jobs.forgotten": rows},
        bytes={"jobs.jobs": minute * 6_000_000, "jobs.forgotten": rows * 1_000_000},
        queues={},
        outboxes={},
    )


def test_a_line_through_points_tells_what_an_hour_adds():
    assert slope([(0.0, 5.0), (0.5, 7.0), (1.0, 9.0)]) == pytest.approx(4.0)
    assert slope([(0.0, 5.0), (0.5, 5.0), (1.0, 5.0)]) == 0
    assert slope([(0.5, 5.0)]) == 0


def test_what_came_before_a_process_was_warm_does_not_count():
    points = [(n / 10, float(n)) for n in range(11)]
    assert settled(points, 0.25) == points[3:]


def test_memory_that_grows_is_a_finding_and_memory_that_swings_is_none():
    leaking, swinging = Report({}), Report({})
    report_memory(leaking, [sample(n, memory=100.0 + n) for n in range(60)])
    report_memory(swinging, [sample(n, memory=100.0 + 3 * (n % 2)) for n in range(60)])
    assert [figure.name.strip() for figure in leaking.figures if not figure.holds] == ["growth an hour, jobs"]
    assert swinging.holds


def test_a_table_that_grows_and_that_nothing_prunes_is_a_finding():
    report = Report({})
    report_tables(report, [sample(n, rows=10 * n) for n in range(60)])
    rows = {figure.name: figure for figure in report.figures}
    assert rows["rows an hour, jobs.forgotten"].median == pytest.approx(600)
    assert not rows["rows an hour, jobs.forgotten"].holds
    assert rows["rows an hour, jobs.jobs"].holds
    assert "kept" in rows["rows an hour, jobs.jobs"].unit


def test_a_table_that_stays_as_it_is_is_not_shown():
    report = Report({})
    report_tables(report, [sample(n) for n in range(60)])
    assert not [figure for figure in report.figures if "forgotten" in figure.name]


def test_a_table_is_either_kept_or_pruned():
    assert not set(HISTORY) & set(PRUNED)
