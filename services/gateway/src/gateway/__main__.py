from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

from chassis.commands import Command, main
from chassis.parked import parked
from gateway.adapters.inbound import cli
from gateway.bootstrap import operating


def _process(name: str) -> Callable[[Namespace], None]:
    """Run one of the processes, and load what that one needs."""
    return lambda _: import_module(f"gateway.bootstrap.{name}").main()


COMMANDS = {
    "serve": Command("serve the API", _process("serving")),
    "project": Command("keep the views", _process("projecting")),
    "deliver": Command("send webhooks to clients", _process("delivering")),
    "migrate": Command(
        "bring the schema and the topology of the bus up to date", lambda _: operating.migrate()
    ),
    "openapi": cli.openapi(),
    "parked": parked("gateway"),
    "audit": cli.audit(operating.audit),
    "findings": cli.findings(operating.findings),
    "mend": cli.mend(operating.mend),
    "letters": cli.letters(operating.letters, operating.decide_letters),
}

if __name__ == "__main__":
    main("gateway", COMMANDS)
