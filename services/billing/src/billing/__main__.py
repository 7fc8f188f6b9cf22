from billing import bootstrap
from billing.adapters.inbound import cli
from chassis.announcing import announcing
from chassis.commands import Command, forever, main
from chassis.lifting import lifting
from chassis.parked import parked

COMMANDS = {
    "serve": Command("run the service", lambda _: forever(bootstrap.serve())),
    "migrate": Command(
        "bring the schema and the topology of the bus up to date", lambda _: bootstrap.migrate()
    ),
    "limits": cli.limits(bootstrap.limit),
    "sync-plans": cli.sync_plans(bootstrap.sync_plans),
    "reconcile": cli.reconcile(bootstrap.reconcile),
    "events": cli.events(bootstrap.events),
    "show": cli.show(bootstrap.show),
    "parked": parked("billing"),
    "lift": lifting(bootstrap.lift),
    "announce": announcing(bootstrap.announce),
}

if __name__ == "__main__":
    main("billing", COMMANDS)
