"""Questions that come together share a read, and each gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from chassis.gathering import Gathering


class Library:
    """Answers with the double, when it may; tells what was asked together."""

    def __init__(self, **options: int) -> None:
        self.reads: list[list[int]] = []
        self.may = asyncio.Event()
        self.gathering = Gathering[int, int](self.read, **options)

    async def read(self, questions: Sequence[int]) -> list[int]:
        self.reads.append(list(questions))
        await self.may.wait()
        if 13 in questions:
            raise LookupError("13")
        return [2 * question for question in questions]

    def asked(self, *questions: int) -> list["asyncio.Task[int]"]:
        return [asyncio.create_task(self.gathering.ask(question)) for question in questions]


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_one_question_is_asked_alone_and_at_once():
    library = Library()
    library.may.set()
    assert [await library.gathering.ask(1), await library.gathering.ask(2)] == [2, 4]
    assert library.reads == [[1], [2]]


async def test_what_comes_while_reads_are_under_way_is_asked_together():
    library = Library(at_once=1)
    first = library.asked(1)
    await turns()
    rest = library.asked(2, 3, 4)
    await turns()
    assert library.reads == [[1]]
    library.may.set()
    assert await asyncio.gather(*first, *rest) == [2, 4, 6, 8]
    assert library.reads == [[1], [2, 3, 4]]


async def test_a_read_takes_no_more_than_it_may():
    library = Library(at_once=1, most=2)
    library.may.set()
    assert await asyncio.gather(*library.asked(1, 2, 3)) == [2, 4, 6]
    assert library.reads == [[1, 2], [3]]


async def test_a_failure_is_told_to_all_who_shared_the_read_and_to_nobody_else():
    library = Library(at_once=1)
    library.may.set()
    told = await asyncio.gather(*library.asked(1, 13), return_exceptions=True)
    assert [type(one) for one in told] == [LookupError, LookupError]
    assert await library.gathering.ask(2) == 4


async def test_who_has_gone_is_neither_asked_for_nor_told():
    library = Library(at_once=1)
    first = library.asked(1)
    await turns()
    gone, stays = library.asked(2, 3)
    await turns()
    gone.cancel()
    first[0].cancel()
    library.may.set()
    assert await stays == 6
    assert library.reads == [[1], [3]]


async def test_a_read_that_is_cancelled_leaves_nobody_waiting():
    library = Library(at_once=1)
    asked = library.asked(1)
    await turns()
    for read in library.gathering._reads:
        read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked[0]
    library.may.set()
    assert await library.gathering.ask(2) == 4
