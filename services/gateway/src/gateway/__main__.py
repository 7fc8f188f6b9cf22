import asyncio

from chassis.commands import Command, main
from chassis.parked import parked
from gateway import bootstrap
from gateway.adapters.inbound import cli

COMMANDS = {
    "serve": Command("serve the API", lambda _: asyncio.run(bootstrap.serve())),
    "project": Command("keep the views", lambda _: asyncio.run(bootstrap.project())),
    "deliver": Command("send webhooks to clients", lambda _: asyncio.run(bootstrap.send())),
    "migrate": Command(
        "bring the schema and the topology of the bus up to date", lambda _: bootstrap.migrate()
    ),
    "openapi": cli.openapi(),
    "parked": parked("gateway"),
    "audit": cli.audit(bootstrap.audit),
    "findings": cli.findings(bootstrap.findings),
    "letters": cli.letters(bootstrap.letters, bootstrap.decide_letters),
}

if __name__ == "__main__":
    main("gateway", COMMANDS)
