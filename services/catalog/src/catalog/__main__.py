import asyncio

from catalog.bootstrap import announce, migrate, serve
from chassis.announcing import announcing
from chassis.commands import Command, main
from chassis.parked import parked

if __name__ == "__main__":
    main(
        "catalog",
        {
            "serve": Command("Run the service.", lambda _: asyncio.run(serve())),
            "migrate": Command(
                "Migrate the schema, declare the topology, publish the collection.", lambda _: migrate()
            ),
            "parked": parked("catalog"),
            "announce": announcing(announce),
        },
    )
