"""The operator's command as it is typed."""

import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

from billing.adapters.outbound.postgres.work import transaction
from billing.application.open_team import open_team
from chassis.testing import delivery
from contracts.gateway import TeamOpened

TEAM = UUID(int=1)


def billing(url, *arguments):
    environment = {"DATABASE_URL": url, "RABBITMQ_URL": "amqp://nobody@127.0.0.1:1/"}
    return subprocess.run(
        [sys.executable, "-m", "billing", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_an_operator_raises_a_teams_limits(migrated, database):
    fact = TeamOpened(team_id=TEAM, name="Ada", owner_email="ada@example.org")
    await open_team([delivery(fact)], transaction(database), lambda: datetime.now(UTC))

    raised = billing(
        migrated, "limits", "--team", str(TEAM), "--running", "5", "--per-minute", "600", "--pin"
    )

    assert (raised.returncode, raised.stdout) == (0, "running=5 open=20 per_minute=600 pin=yes\n")


def test_an_unknown_team_is_one_clear_line(migrated):
    team = uuid4()
    refused = billing(migrated, "limits", "--team", str(team), "--open", "5")

    assert (refused.returncode, refused.stderr) == (1, f"no team {team} has a plan\n")


def test_limits_that_allow_nothing_are_refused(migrated):
    refused = billing(migrated, "limits", "--team", str(TEAM), "--open", "0")

    assert refused.returncode == 2
    assert "--open" in refused.stderr
