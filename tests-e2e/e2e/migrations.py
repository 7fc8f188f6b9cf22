"""What a migration does to those who run the release before it, read from its SQL."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

NAME = r"(?:if (?:not )?exists )?(?:only )?([\w.]+)"
BREAKS = {
    rf"drop table {NAME}": "drops a table",
    rf"drop (?:materialized )?view {NAME}": "drops a view",
    rf"truncate (?:table )?{NAME}": "empties a table",
    rf"create unique index (?:concurrently )?(?:if not exists )?\w+ on {NAME}": "demands what is unique",
}
ALTERS = {
    r"\bdrop column\b": "drops a column",
    r"\balter (?:column )?\w+ (?:set data )?type\b": "changes a type",
    r"\balter (?:column )?\w+ set not null\b": "demands a value",
    r"\balter (?:column )?\w+ drop default\b": "takes a default away",
    r"\brename\b": "renames",
    r"\badd (?:constraint \w+ )?(?:check|unique|foreign key|primary key|exclude)\b": "demands what was free",
}
ADDED = re.compile(r"\badd column (?:if not exists )?\w+ ((?:[^,(]|\([^)]*\))*)")


def breaks(sql: str, own: frozenset[str] = frozenset()) -> list[str]:
    """Tell what of a migration a process of the release before it could not live with.

    A table that the same migration makes (`own`, or in the SQL itself) is unknown to that process.
    """
    told = []
    text = _plain(sql)
    mine = own | created(sql)
    for statement in filter(None, (part.strip() for part in text.split(";"))):
        told += [f"{why}: {statement[:80]}" for why, table in _of(statement) if table not in mine]
    return told


def created(sql: str) -> frozenset[str]:
    """Name the tables that SQL makes."""
    return frozenset(re.findall(rf"create table {NAME}", _plain(sql)))


def _plain(sql: str) -> str:
    sql = re.sub(r"\$(\w*)\$.*?\$\1\$", "$$", sql, flags=re.DOTALL)  # bodies of functions
    sql = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", sql))
    return re.sub(r"\s+", " ", sql).lower()


def _of(statement: str) -> list[tuple[str, str]]:
    found = [(why, hit.group(1)) for form, why in BREAKS.items() if (hit := re.match(form, statement))]
    if altered := re.match(rf"alter table {NAME} (.*)", statement):
        table, actions = altered.groups()
        found += [(why, table) for form, why in ALTERS.items() if re.search(form, actions)]
        added = [hit.group(1) for hit in ADDED.finditer(actions)]
        if any("not null" in one and "default" not in one and "generated" not in one for one in added):
            found.append(("adds a column that must be given", table))
    return found


@dataclass(frozen=True)
class Migration:
    """One step of a service's schema; `contracts` names the revision whose expansion it ends."""

    service: str
    revision: str
    sql: tuple[str, ...]
    contracts: str | None

    def breaks(self) -> list[str]:
        """Tell what the release before it could not live with."""
        own = frozenset(table for one in self.sql for table in created(one))
        return [problem for one in self.sql for problem in breaks(one, own)]


class Recorder:
    """Stands in for Alembic's operations: schemas change by SQL alone, so that it can be read."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def execute(self, statement: object) -> None:
        """Note a statement."""
        self.said.append(str(statement))


def migrations(folder: Path) -> list[Migration]:
    """Read the migrations of a service, the oldest first."""
    return [_read(path) for path in sorted((folder / "versions").glob("*.py"))]


def _read(path: Path) -> Migration:
    spec = importlib.util.spec_from_file_location(f"read_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recorder = Recorder()
    vars(module)["op"] = recorder
    module.upgrade()
    contracts = getattr(module, "contracts", None)
    return Migration(path.parents[2].name, module.revision, tuple(recorder.said), contracts)
