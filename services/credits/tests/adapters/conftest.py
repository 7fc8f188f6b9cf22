from argparse import ArgumentParser

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.operating import COMMANDS, Type


@pytest.fixture
def type_(service: Credits) -> Type:
    """Type a command as an operator does."""

    async def typed(command: str, *arguments: object) -> int:
        run, ask_for = COMMANDS[command]
        parser = ArgumentParser(prog=command)
        ask_for(parser)
        given = parser.parse_args([str(argument) for argument in arguments])
        return await run(given, service.store.transaction, service.clock)

    return typed
