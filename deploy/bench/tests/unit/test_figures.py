"""What the bench says about the numbers it found."""

import json

from bench.figures import Baseline, Report, at_least, at_most, percentile


def test_a_figure_shows_its_median_its_spread_what_is_promised_and_what_others_reach():
    report = Report({"cores": "2"})
    beside = Baseline("one transaction each", (350.0, 370.0, 380.0))
    figure = report.add("holds, one team", "/s", [2100.0, 1900.0, 2500.0], at_least(2000), beside)
    assert figure.row() == (
        "holds, one team", "2,100", "1,900", "2,500", "/s", "at least 2,000", "370 one transaction each",
    )  # fmt: skip
    assert report.table().splitlines()[0] == "cores 2"


def test_the_verdict_counts_what_holds_and_begins_with_what_does_not():
    report = Report({})
    report.add("holds", "/s", [2100.0], at_least(2000))
    report.add("CPU a hold", "ms", [0.6])
    assert report.holds
    report.add("p99", "ms", [61.0], at_most(60))
    assert report.verdict() == (
        "1 of 2 hold: p99 61.0 ms (at most 60.0) MISSED; holds 2,100 /s (at least 2,000)"
    )
    assert not report.holds


def test_where_nothing_is_promised_the_verdict_says_so():
    report = Report({})
    report.add("holds, 2 of each", "/s", [2100.0])
    assert report.verdict() == "nothing of this is promised"
    assert report.holds


def test_what_is_just_reached_holds():
    assert at_least(3).kept_by(3.0)
    assert at_most(3).kept_by(3.0)
    assert not at_least(3).kept_by(2.9)
    assert not at_most(3).kept_by(3.1)


def test_everything_can_be_kept_and_read_again():
    report = Report({"cores": "2"})
    report.add("holds", "/s", [1.0], at_least(2), Baseline("beside", (3.0,)))
    kept = json.loads(json.dumps(report.as_json()))
    assert kept["machine"] == {"cores": "2"}
    assert kept["figures"] == [
        {
            "name": "holds",
            "unit": "/s",
            "runs": [1.0],
            "promise": {"limit": 2, "at_most": False},
            "baseline": {"name": "beside", "runs": [3.0]},
        }
    ]
    assert kept["holds"] is False


def test_a_percentile_is_one_of_the_values():
    values = [float(n) for n in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)
