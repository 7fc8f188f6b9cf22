"""Billing as an operator runs it: migrate, serve."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from uuid import uuid4

import pytest

from chassis.testing import listening
from contracts.billing import PeriodOpened, PlanChanged
from contracts.gateway import TeamOpened


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def serving(environment):
    with subprocess.Popen([sys.executable, "-m", "billing", "serve"], env=environment) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


@pytest.fixture
def environment(fresh_database, fresh_vhost):
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": fresh_database.url("billing"),
        "RABBITMQ_URL": fresh_vhost,
        "HTTP_PORT": str(free_port()),
    }
    subprocess.run([sys.executable, "-m", "billing", "migrate"], env=environment, check=True)
    return environment


async def test_a_team_opened_before_billing_ran_still_gets_its_credits(environment, fresh_vhost):
    team = uuid4()
    async with listening(fresh_vhost, PlanChanged, PeriodOpened) as ear:
        await ear.say(TeamOpened(team_id=team, name="Ada", owner_email="ada@example.org"))
        with serving(environment):
            plan, period = await ear.hear(PlanChanged, 30), await ear.hear(PeriodOpened)

    assert (plan.team_id, plan.version, plan.limits.open) == (team, 1, 20)
    assert (period.team_id, period.credits) == (team, 200)
