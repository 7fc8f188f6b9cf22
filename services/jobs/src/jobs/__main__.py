from argparse import ArgumentParser, Namespace
from uuid import UUID

from chassis.announcing import announcing
from chassis.commands import Command, forever, main
from chassis.lifting import lifting
from chassis.migrate import migrate
from chassis.parked import parked
from chassis.service import run
from chassis.settings import load
from jobs import bootstrap
from jobs.settings import Settings


def _serve(_options: Namespace) -> None:
    forever(run(bootstrap.build(load(Settings))))


def _migrate(_options: Namespace) -> None:
    migrate(load(Settings), "jobs")


def _prepare_bucket(_options: Namespace) -> int:
    return bootstrap.prepare_bucket(load(Settings))


def _show(options: Namespace) -> int:
    return bootstrap.show(load(Settings), options.job)


def _job(parser: ArgumentParser) -> None:
    parser.add_argument("job", type=UUID, help="the job's id")


COMMANDS = {
    "serve": Command("run the service", _serve),
    "migrate": Command("bring the schema and the topology of the bus up to date", _migrate),
    "parked": parked("jobs"),
    "lift": lifting(bootstrap.lift),
    "announce": announcing(bootstrap.announce),
    "prepare-bucket": Command("apply the lifecycle rules to the bucket", _prepare_bucket),
    "show": Command("show a job, each call made for it, and what it waits for", _show, _job),
}

if __name__ == "__main__":
    main("jobs", COMMANDS)
