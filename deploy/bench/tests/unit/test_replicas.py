"""More of each process: what they are told, and what is said of them."""

import pytest

from atelier_local.postgres import SETTINGS as POSTGRES
from bench.bench import SERVICES, SETTINGS
from bench.figures import Baseline, Report
from bench.measurements import ALONE, MEASUREMENTS
from bench.measurements.replicas import EACH, Told, settings

OPERATORS, LISTENER = 10, 1


@pytest.mark.parametrize("number", EACH)
def test_postgres_has_room_for_every_connection_of_every_process(number):
    pool = int(settings(number)["*"]["DATABASE_POOL"])
    readers = max(2, pool // 2)
    most = next(int(line.split("=")[1]) for line in POSTGRES.splitlines() if "max_connections" in line)
    assert number * len(SERVICES) * (pool + readers + LISTENER) <= most - OPERATORS


def test_but_for_the_pools_all_is_as_in_other_measurements():
    told = {name: dict(variables) for name, variables in settings(4).items()}
    del told["*"]["DATABASE_POOL"]
    assert told == SETTINGS


def test_a_figure_of_more_stands_beside_that_of_one():
    report = Report({})
    alone: dict[str, Baseline] = {}
    Told(report, alone, 1).add("jobs", "/s", [40.0])
    Told(report, alone, 2).add("jobs", "/s", [50.0])
    Told(report, alone, 4).add("jobs", "/s", [45.0])
    assert [(figure.name, figure.baseline and figure.baseline.runs) for figure in report.figures] == [
        ("jobs, 1 of each", None),
        ("jobs, 2 of each", (40.0,)),
        ("jobs, 4 of each", (40.0,)),
    ]
    assert not report.promised


def test_who_takes_most_of_the_cores_is_named_first_and_who_takes_next_to_none_not_at_all():
    report = Report({})
    spent = {"bench": 0.001, "gateway": 0.2, "jobs": 10.0, "all": 10.201}
    said = Told(report).add_cost("job", [100.0], [spent])
    assert said == "all 1.02, jobs 1.00, gateway 0.02"
    figures = {figure.name: figure.runs[0] for figure in report.figures}
    assert figures["  CPU a job, jobs, 1 of each"] == 10.0
    assert figures["  cores taken by jobs, 1 of each"] == pytest.approx(1.0201)
    assert not [name for name in figures if "bench" in name]


def test_it_is_measured_only_when_it_is_asked_for():
    assert MEASUREMENTS.keys() >= ALONE
    assert "replicas" in ALONE
