"""Statements: written once, with values that have names."""

import re
from dataclasses import dataclass, field

_NAMED = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")


@dataclass(frozen=True, slots=True)
class Statement:
    r"""A text whose values are named as SQLAlchemy and Postgres' own tools name them: `:name`.

    A value is cast by `cast(:x as y)`; a colon before a word that is none is written `\:`. `sql` is how
    Postgres is told, with `$1` for the first of `names`; a name that stands twice is one value.
    """

    text: str
    sql: str = field(init=False)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names: list[str] = []

        def place(found: re.Match[str]) -> str:
            if found[1] not in names:
                names.append(found[1])
            return f"${names.index(found[1]) + 1}"

        object.__setattr__(self, "sql", _NAMED.sub(place, self.text).replace("\\:", ":"))
        object.__setattr__(self, "names", tuple(names))


text = Statement
