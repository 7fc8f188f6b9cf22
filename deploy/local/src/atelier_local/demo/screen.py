"""What the demo shows: one calm line at a time, from several threads, in colour on a terminal only."""

import os
import shutil
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import TextIO

COLOURS = {
    "gateway": "36", "credits": "33", "jobs": "35", "catalog": "32", "billing": "34",
    "bold": "1", "dim": "2", "good": "32", "bad": "31",
}  # fmt: skip
NARROWEST = 60


class Screen:
    """Prints whole lines; on a terminal it colours them and cuts what is too long for it."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._colours = self._terminal and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()

    def line(self, text: str = "") -> None:
        """Print a line."""
        with self._lock:
            print(text, file=self._out, flush=True)

    def title(self, text: str) -> None:
        """Print the heading of a step."""
        self.line(f"\n{self.painted(text, 'bold')}")

    def quiet(self, text: str) -> None:
        """Print a line of lesser weight, indented."""
        self.line(self.painted(f"  {text}", "dim"))

    def good(self, text: str) -> None:
        """Print a line that says that something came out as it should."""
        self.line(f"  {self.painted('✓', 'good')} {text}")

    def bad(self, text: str) -> None:
        """Print a line that says that something did not."""
        self.line(f"  {self.painted('✗', 'bad')} {text}")

    def painted(self, text: str, colour: str) -> str:
        """Colour a text, if colours are shown."""
        return f"\033[{COLOURS[colour]}m{text}\033[0m" if self._colours and colour in COLOURS else text

    def cut(self, text: str, used: int) -> str:
        """Cut a text to what is left of the terminal's line after `used` columns."""
        if not self._terminal:
            return text
        room = max(NARROWEST, shutil.get_terminal_size().columns) - used
        return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"

    def table(self, rows: Iterable[Sequence[object]], align: str) -> None:
        """Print rows in columns; `align` has `<` or `>` for each column; the first row is the heading."""
        texts = [[str(cell) for cell in row] for row in rows]
        widths = [max(len(row[n]) for row in texts) for n in range(len(align))]
        for number, row in enumerate(texts):
            cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)]
            text = f"  {'  '.join(cells)}".rstrip()
            self.line(text if number else self.painted(text, "dim"))
