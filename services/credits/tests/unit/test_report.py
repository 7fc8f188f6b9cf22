from credits.application.ports import Check
from credits.application.verify_ledger import Report


def test_the_report_names_what_was_found():
    report = Report([Check("sums", 7, ()), Check("versions are contiguous", 2, ("team 1 is at 3",))])
    assert report.findings == 1
    assert report.lines() == [
        "sums                             7  ok",
        "versions are contiguous          2  1 FOUND",
        "    team 1 is at 3",
    ]
