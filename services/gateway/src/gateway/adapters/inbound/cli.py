"""What an operator of the gateway can do."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from chassis.commands import Command
from gateway.adapters.inbound.http.app import create_app
from gateway.application.audit import Audit


def audit(run_audit: Callable[[], Awaitable[Audit]]) -> Command:
    """Offer to compare jobs with accounts; what is under way is looked at again before it is reported."""

    async def look() -> Audit:
        found = await run_audit()
        for _ in range(3):
            if not found.findings:
                return found
            await asyncio.sleep(1)  # the views of two services may be a moment apart
            again = await run_audit()
            lasting = tuple(finding for finding in again.findings if finding in found.findings)
            found = Audit(again.jobs, again.accounts, lasting)
        return found

    async def main() -> Audit:
        return await look()

    return Command(
        "Compare jobs with accounts; exits 1 when something is wrong.", lambda _: _report(asyncio.run(main()))
    )


def _report(found: Audit) -> int:
    for finding in found.findings:
        about = f"job {finding.job_id}" if finding.job_id else "account"
        print(f"team {finding.team_id}: {about}: {finding.what}")
    outcome = f"{len(found.findings)} findings" if found.findings else "clean"
    print(f"audit of {found.jobs} jobs and {found.accounts} accounts: {outcome}")
    return 1 if found.findings else 0


def openapi() -> Command:
    """Offer to print the description of the API."""
    return Command("Print the OpenAPI description.", lambda _: print(description()))


def description() -> str:
    """Write the OpenAPI description as it is kept in docs/openapi.json."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False)
