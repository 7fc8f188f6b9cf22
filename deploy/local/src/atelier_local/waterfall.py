"""A trace as a picture: a line each hop, from its beginning to its end, readable on light and on dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LABEL, CHART, LINE, TOP, EDGE = 360, 520, 20, 34, 70
"""Widths and heights of the picture's parts, in its own units."""
COLOURS = {
    "gateway": "#3b82f6",
    "credits": "#22a06b",
    "jobs": "#d97706",
    "catalog": "#a855f7",
    "billing": "#64748b",
    "sandbox": "#94a3b8",
}
OTHER = "#64748b"
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a } line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } line { stroke: #3d444d } }
"""


@dataclass(frozen=True)
class Bar:
    """One hop: when it begins and how long it takes, in milliseconds."""

    begins: float
    takes: float
    service: str
    name: str


def waterfall(bars: Sequence[Bar]) -> str:
    """Draw the hops in the order given, as SVG."""
    end = max((bar.begins + bar.takes for bar in bars), default=0) or 1
    width, height = LABEL + CHART + EDGE, TOP + LINE * len(bars) + 10
    lines = [_mark(at, end, height) for at in _ticks(end)]
    drawn = [_line(bar, place, end) for place, bar in enumerate(bars)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    said = f"<title>Where the time of one job goes: {len(bars)} hops in {end:.0f} ms</title>"
    return "\n".join([head, said, f"<style>{_STYLE}</style>", *lines, *drawn, "</svg>", ""])


def _line(bar: Bar, place: int, end: float) -> str:
    middle, top = TOP + LINE * place + 14, TOP + LINE * place + 4
    start, length = _x(bar.begins, end), max(1.5, bar.takes / end * CHART)
    colour = COLOURS.get(bar.service.partition("-")[0], OTHER)
    said = f'<tspan class="quiet">{escape(bar.service)}</tspan> {escape(bar.name)}'
    after = start + length + 5
    return (
        f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{said}</text>'
        f'<rect x="{start:.1f}" y="{top}" width="{length:.1f}" height="12" rx="2" fill="{colour}"/>'
        f'<text class="quiet" x="{after:.1f}" y="{middle}">{bar.takes:.1f}</text>'
    )


def _mark(at: float, end: float, height: int) -> str:
    x = _x(at, end)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 6}"/>'
        f'<text class="quiet" x="{x:.1f}" y="{TOP - 14}" text-anchor="middle">{at:.0f} ms</text>'
    )


def _ticks(end: float) -> list[float]:
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1e9) if end / step <= 8)
    return [step * n for n in range(int(end / step) + 1)]


def _x(at: float, end: float) -> float:
    return LABEL + at / end * CHART
