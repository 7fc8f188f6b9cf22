"""Figures of several runs, the table they are shown in, and what must hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One measured thing: a value for each run, in `unit`."""

    name: str
    unit: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The run in the middle."""
        return median(self.runs)

    def row(self) -> tuple[str, ...]:
        """Show it: name, median, lowest, highest, unit."""
        shown = (_number(value) for value in (self.median, min(self.runs), max(self.runs)))
        return (self.name, *shown, self.unit)


@dataclass(frozen=True)
class Promise:
    """What a figure must reach: at least `least`."""

    name: str
    value: float
    least: float

    @property
    def holds(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.least

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "MISSED"
        return f"{self.name}: {_number(self.value)}, at least {_number(self.least)}: {verdict}"


@dataclass
class Report:
    """Everything one run of the bench found."""

    machine: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every promise does."""
        return all(promise.holds for promise in self.promises)

    def add(self, name: str, unit: str, runs: Sequence[float]) -> Figure:
        """Note a figure."""
        figure = Figure(name, unit, tuple(runs))
        self.figures.append(figure)
        return figure

    def promise(self, name: str, value: float, least: float) -> None:
        """Note what must hold."""
        self.promises.append(Promise(name, value, least))

    def table(self) -> str:
        """Show the machine and the figures, readable in a terminal."""
        rows = [("", "median", "min", "max", ""), *(figure.row() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        machine = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        return "\n".join([machine, "", *(_aligned(row, widths) for row in rows)])

    def verdict(self) -> str:
        """Say in one line what holds."""
        return "; ".join(str(promise) for promise in self.promises)

    def as_json(self) -> dict[str, object]:
        """Everything, to be kept and compared."""
        return {**asdict(self), "holds": self.holds}


def percentile(values: Sequence[float], share: float) -> float:
    """Find the value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers, unit = (
        text.ljust(width) if column in (0, len(row) - 1) else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((name, *numbers, unit)).rstrip()
