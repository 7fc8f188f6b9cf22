from catalog.bootstrap import announce, lift, migrate, serve
from chassis.announcing import announcing
from chassis.commands import Command, forever, main
from chassis.lifting import lifting
from chassis.parked import parked

COMMANDS = {
    "serve": Command("run the service", lambda _: forever(serve())),
    "migrate": Command(
        "bring the schema and the topology of the bus up to date, and publish the collection",
        lambda _: migrate(),
    ),
    "parked": parked("catalog"),
    "lift": lifting(lift),
    "announce": announcing(announce),
}

if __name__ == "__main__":
    main("catalog", COMMANDS)
