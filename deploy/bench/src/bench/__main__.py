"""`python -m bench`: measures on nodes of its own, prints a table, exits with 1 when a promise is missed."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from atelier_local.errors import CannotStart
from bench.bench import FOLDER, REPOSITORY, Bench, Scale
from bench.figures import Report
from bench.measurements import ALONE, MEASUREMENTS


def main() -> int:
    """Measure, print, keep; 1 when something does not hold."""
    options = _parser().parse_args()
    sizes = {name: getattr(options, name) for name in Scale.options()}
    try:
        report = measure(Scale(**sizes), options.only)
    except CannotStart as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 2
    print(f"\n{report.table()}\n\nkept in {_keep(report)}\n{report.verdict()}")
    return 0 if report.holds else 1


def measure(scale: Scale, only: Sequence[str]) -> Report:
    """Measure what is wanted, in the order in which one disturbs the other least."""
    with Bench(scale, _say) as bench:
        for name, one in MEASUREMENTS.items():
            if name in only:
                _say(f"== {name}")
                one(bench)
        return bench.report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    usual_ones = [name for name in MEASUREMENTS if name not in ALONE]
    words = f"some of {','.join(MEASUREMENTS)}; default: all but {', '.join(sorted(ALONE))}"
    parser.add_argument("--only", type=_names, default=usual_ones, help=words)
    for name, usual in Scale.options().items():
        words = name.replace("_", "-")
        parser.add_argument(f"--{words}", type=type(usual), default=usual, help=f"default: {usual}")
    return parser


def _names(given: str) -> list[str]:
    names = given.split(",")
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        raise argparse.ArgumentTypeError(f"no measurement: {', '.join(unknown)}")
    return names


def _keep(report: Report) -> str:
    path = FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return str(path.relative_to(REPOSITORY))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
