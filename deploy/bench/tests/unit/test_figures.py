"""What the bench says about the numbers it found."""

from bench.figures import Promise, Report, percentile


def test_a_figure_shows_its_median_and_its_spread():
    report = Report({"cores": "2"})
    figure = report.add("holds, one team", "/s", [2100.0, 1900.0, 2500.0])
    assert figure.row() == ("holds, one team", "2,100", "1,900", "2,500", "/s")
    assert report.table().splitlines()[0] == "cores 2"


def test_the_verdict_names_what_holds_and_what_does_not():
    report = Report({})
    report.promise("holds a second", 2100, 2000)
    assert report.holds
    report.promise("times", 2.5, 3)
    assert (
        report.verdict() == "holds a second: 2,100, at least 2,000: holds; times: 2.50, at least 3.00: MISSED"
    )
    assert not report.holds


def test_what_is_just_reached_holds():
    assert Promise("times", 3.0, 3.0).holds


def test_a_percentile_is_one_of_the_values():
    values = [float(n) for n in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)
