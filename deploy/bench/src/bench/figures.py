"""Figures of several runs, the table they are shown in, and what must hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

COLUMNS = ("", "median", "min", "max", "", "promised", "beside it")


@dataclass(frozen=True)
class Promise:
    """What the median of a figure must reach: at least `limit`, or at most."""

    limit: float
    at_most: bool = False

    def kept_by(self, value: float) -> bool:
        """Tell whether a value reaches it."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {number(self.limit)}"


@dataclass(frozen=True)
class Baseline:
    """What something else reached in the same run: a value for each run, in the figure's unit."""

    name: str
    runs: tuple[float, ...]

    def __str__(self) -> str:
        return f"{number(median(self.runs))} {self.name}"


@dataclass(frozen=True)
class Figure:
    """One measured thing: a value for each run, in `unit`."""

    name: str
    unit: str
    runs: tuple[float, ...]
    promise: Promise | None = None
    baseline: Baseline | None = None

    @property
    def median(self) -> float:
        """The run in the middle."""
        return median(self.runs)

    @property
    def holds(self) -> bool:
        """Whether what is promised of it is reached."""
        return self.promise is None or self.promise.kept_by(self.median)

    def row(self) -> tuple[str, ...]:
        """Show it: name, median, lowest, highest, unit, what is promised, what others reach."""
        shown = (number(value) for value in (self.median, min(self.runs), max(self.runs)))
        promised, beside = (str(part) if part else "" for part in (self.promise, self.baseline))
        return (self.name, *shown, self.unit, promised + ("" if self.holds else ": MISSED"), beside)

    def verdict(self) -> str:
        """Say whether it holds."""
        said = f"{self.name.strip()} {number(self.median)} {self.unit} ({self.promise})"
        return said if self.holds else f"{said} MISSED"


@dataclass
class Report:
    """Everything one run of the bench found."""

    machine: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    samples: list[dict[str, object]] = field(default_factory=list)
    """What was seen on the way, where the way matters."""

    @property
    def promised(self) -> list[Figure]:
        """The figures of which something is promised."""
        return [figure for figure in self.figures if figure.promise]

    @property
    def holds(self) -> bool:
        """Whether every promise does."""
        return all(figure.holds for figure in self.figures)

    def add(
        self,
        name: str,
        unit: str,
        runs: Sequence[float],
        promise: Promise | None = None,
        baseline: Baseline | None = None,
    ) -> Figure:
        """Note a figure."""
        figure = Figure(name, unit, tuple(runs), promise, baseline)
        self.figures.append(figure)
        return figure

    def table(self) -> str:
        """Show the machine and the figures, readable in a terminal."""
        rows = [COLUMNS, *(figure.row() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        return "\n".join([machine, "", *(_aligned(row, widths) for row in rows)])

    def verdict(self) -> str:
        """Say in one line what holds, and first what does not."""
        if not self.promised:
            return "nothing of this is promised"
        promised = sorted(self.promised, key=lambda figure: figure.holds)
        kept = sum(figure.holds for figure in promised)
        return f"{kept} of {len(promised)} hold: " + "; ".join(figure.verdict() for figure in promised)

    def as_json(self) -> dict[str, object]:
        """Everything, to be kept and compared."""
        return {**asdict(self), "holds": self.holds, "verdict": self.verdict()}


def at_least(limit: float) -> Promise:
    """Promise that a figure reaches this."""
    return Promise(limit)


def at_most(limit: float) -> Promise:
    """Promise that a figure stays below this."""
    return Promise(limit, at_most=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Find the value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def number(value: float) -> str:
    """Write a number with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = range(1, 4)
    cells = (
        text.rjust(width) if column in numbers else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()
