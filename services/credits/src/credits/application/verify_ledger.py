from collections.abc import Sequence
from dataclasses import dataclass

from credits.application.ports import Audit, Check


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found."""

    checks: Sequence[Check]

    @property
    def findings(self) -> int:
        """How many promises are broken, rows counted."""
        return sum(len(check.findings) for check in self.checks)

    def lines(self) -> list[str]:
        """Write the report for a person."""
        width = max(len(check.name) for check in self.checks)
        lines = []
        for check in self.checks:
            state = f"{len(check.findings)} FOUND" if check.findings else "ok"
            lines.append(f"{check.name:<{width}}  {check.examined:>9}  {state}")
            lines += [f"    {finding}" for finding in check.findings]
        return lines


async def verify_ledger(audit: Audit) -> Report:
    """Check that every credit is accounted for; reads only."""
    return Report(await audit.run())
