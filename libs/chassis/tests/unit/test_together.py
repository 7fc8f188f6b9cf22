import asyncio

import pytest

from chassis.together import Together


class Desk:
    """Doubles numbers, and says no to any batch with a bad one."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()

    async def do(self, numbers):
        self.batches.append(list(numbers))
        await self.open.wait()
        if -1 in numbers:
            raise ValueError("a bad one")
        return [2 * number for number in numbers]


async def test_what_comes_while_a_batch_is_done_is_done_in_the_next():
    desk = Desk()
    together = Together(desk.do, most=3)
    first = asyncio.create_task(together(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(together(number)) for number in (2, 3, 4, 5)]
    await asyncio.sleep(0)
    desk.open.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8, 10]
    assert desk.batches == [[1], [2, 3, 4], [5]]


async def test_after_a_pause_what_came_meanwhile_is_done_together():
    desk = Desk()
    desk.open.set()
    together = Together(desk.do, pause=0.2)
    assert await together(1) == 2
    assert await asyncio.gather(together(2), together(3)) == [4, 6]
    assert desk.batches == [[1], [2, 3]]


async def test_only_the_one_to_blame_fails():
    desk = Desk()
    desk.open.set()
    together = Together(desk.do)
    found = await asyncio.gather(together(1), together(-1), together(3), return_exceptions=True)
    assert (found[0], str(found[1]), found[2]) == (2, "a bad one", 6)


async def test_it_goes_on_after_a_failure():
    desk = Desk()
    desk.open.set()
    together = Together(desk.do)
    with pytest.raises(ValueError, match="a bad one"):
        await together(-1)
    assert await together(4) == 8


async def test_it_is_done_also_for_who_has_gone():
    desk = Desk()
    together = Together(desk.do)
    gone, stays = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    desk.open.set()
    assert await stays == 4
    assert desk.batches == [[1, 2]]
