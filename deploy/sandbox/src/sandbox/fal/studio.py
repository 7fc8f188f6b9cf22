from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sandbox.fal.fetching import Fetcher
from sandbox.fal.media import Media
from sandbox.fal.timing import Timing


@dataclass
class Studio:
    """What every endpoint works with."""

    media: Media
    fetcher: Fetcher
    pool: ThreadPoolExecutor
    timing: Timing = field(default_factory=Timing)
