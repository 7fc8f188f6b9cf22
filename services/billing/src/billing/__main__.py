import asyncio

from billing import bootstrap
from billing.adapters.inbound import cli
from billing.bootstrap import announce, migrate, serve
from chassis.announcing import announcing
from chassis.commands import Command, main
from chassis.parked import parked

if __name__ == "__main__":
    main(
        "billing",
        {
            "serve": Command("Run the service.", lambda _: asyncio.run(serve())),
            "migrate": Command("Migrate the schema and declare the topology.", lambda _: migrate()),
            "limits": cli.limits(bootstrap.limit),
            "sync-plans": cli.sync_plans(bootstrap.sync_plans),
            "reconcile": cli.reconcile(bootstrap.reconcile),
            "events": cli.events(bootstrap.events),
            "show": cli.show(bootstrap.show),
            "parked": parked("billing"),
            "announce": announcing(announce),
        },
    )
