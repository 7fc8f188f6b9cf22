"""Everything is said once, a page at a time, no faster than asked."""

import time
from uuid import UUID

from chassis.announcing import PAGE, announce

IDS = [UUID(int=n) for n in range(1, 2 * PAGE + 6)]


class Shop:
    """Something with documents to say, which notes the pages it was asked for."""

    def __init__(self, ids: list[UUID]) -> None:
        self.ids = ids
        self.pages: list[int] = []

    async def say(self, after: UUID | None, limit: int) -> list[UUID]:
        page = [id_ for id_ in self.ids if after is None or id_ > after][:limit]
        self.pages.append(len(page))
        return page


async def test_everything_is_said_in_pages_part_after_part():
    first, second = Shop(IDS), Shop(IDS[:1])
    assert await announce([first.say, second.say], rate=100_000) == len(IDS) + 1
    assert (first.pages, second.pages) == ([PAGE, PAGE, 5, 0], [1, 0])


async def test_no_more_is_said_than_the_rate_allows():
    shop = Shop(IDS[:30])
    began = time.monotonic()
    assert await announce([shop.say], rate=100) == 30
    assert time.monotonic() - began >= 0.3


async def test_a_slow_rate_takes_small_pages():
    shop = Shop(IDS[:4])
    began = time.monotonic()
    assert await announce([shop.say], rate=20) == 4
    assert time.monotonic() - began < 2
    assert shop.pages == [4, 0]
