"""`python -m sandbox serve` runs the stand-ins; `python -m sandbox ca` makes their authority and exits."""

import argparse
import asyncio
import logging
import signal
import sys

import uvloop

from sandbox import certificates
from sandbox.app import Sandbox
from sandbox.settings import Settings


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=["serve", "ca"])
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if parser.parse_args().command == "ca":
        certificates.authority(settings.ca_dir)
        sys.stdout.write(f"{settings.ca_dir / 'ca.pem'}\n")
        return
    uvloop.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    stop = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    sandbox = Sandbox(settings)
    try:
        await sandbox.start()
        host = settings.host
        logging.getLogger("sandbox").info(
            "fal https://%s:%d  s3 http://%s:%d  stripe http://%s:%d  smtp %s:%d  control http://%s:%d",
            *(host, sandbox.fal_port),
            *(host, sandbox.s3_port),
            *(host, sandbox.stripe_port),
            *(host, sandbox.smtp_port),
            *(host, sandbox.control_port),
        )
        await stop.wait()
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    main()
