"""A pause between one batch and the next, so that batches grow under load."""

import asyncio
import time


class Pause:
    """Lets one begin `seconds` after the one before began; whoever comes later than that does not wait."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = float("-inf")

    async def over(self, *, full: bool) -> None:
        """Wait until the next may begin; one that is `full` gains nothing by waiting."""
        if not full and (left := self._began + self._seconds - time.monotonic()) > 0:
            await asyncio.sleep(left)
        self._began = time.monotonic()
