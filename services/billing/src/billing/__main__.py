import asyncio

from billing.adapters.inbound import cli
from billing.bootstrap import announce, migrate, serve, set_limits
from chassis.announcing import announcing
from chassis.commands import Command, main
from chassis.parked import parked

if __name__ == "__main__":
    main(
        "billing",
        {
            "serve": Command("Run the service.", lambda _: asyncio.run(serve())),
            "migrate": Command("Migrate the schema and declare the topology.", lambda _: migrate()),
            "limits": cli.limits(set_limits),
            "parked": parked("billing"),
            "announce": announcing(announce),
        },
    )
