"""What is its own in a copied row: ids and moments, found in its text and written anew for each copy."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOST = 90
_MINUTE = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d(?=:)")


def ids_in(texts: Iterable[str]) -> list[str]:
    """Find the ids in these texts, each once, as they come."""
    return list(dict.fromkeys(id_ for text in texts for id_ in UUID.findall(text)))


@dataclass(frozen=True)
class Tokens:
    """What each id of the original becomes: an expression of SQL; and how its moments move."""

    ids: Mapping[str, str]
    words: Mapping[str, str]
    shift: str | None = None

    def expression(self, text: str) -> str:
        """Write the text as SQL that puts it together with what is the copy's own."""
        found = dict(self.words) | {id_: sql for id_, sql in self.ids.items() if id_ in text}
        if self.shift:
            found |= {minute: self._moved(minute) for minute in _MINUTE.findall(text)}
        if not found:
            return _literal(text)
        pieces = re.split("(" + "|".join(map(re.escape, found)) + ")", text)
        return _together([found.get(piece) or _literal(piece) for piece in pieces if piece])

    def _moved(self, minute: str) -> str:
        at = datetime.fromisoformat(minute).isoformat(sep=" ")
        return f"to_char(timestamp '{at}' + {self.shift}, 'YYYY-MM-DD\"T\"HH24:MI')"


def _together(pieces: list[str]) -> str:
    """Postgres takes a hundred arguments at once."""
    if len(pieces) <= MOST:
        return f"concat({', '.join(pieces)})"
    return _together([_together(pieces[n : n + MOST]) for n in range(0, len(pieces), MOST)])


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
