import asyncio

from chassis.commands import Command, main
from chassis.parked import parked
from gateway import bootstrap
from gateway.adapters.inbound import cli

if __name__ == "__main__":
    main(
        "gateway",
        {
            "serve": Command("Serve the API.", lambda _: asyncio.run(bootstrap.serve())),
            "project": Command("Keep the views.", lambda _: asyncio.run(bootstrap.project())),
            "deliver": Command("Send webhooks to clients.", lambda _: asyncio.run(bootstrap.send())),
            "migrate": Command("Migrate the schema and declare the topology.", lambda _: bootstrap.migrate()),
            "openapi": cli.openapi(),
            "parked": parked("gateway"),
            "audit": cli.audit(bootstrap.audit),
            "findings": cli.findings(bootstrap.findings),
            "letters": cli.letters(bootstrap.letters, bootstrap.decide_letters),
        },
    )
