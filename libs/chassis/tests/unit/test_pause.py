import asyncio

from chassis.pause import Pause

LONG = 3600.0


async def begins(pause: Pause, *, full: bool = False) -> bool:
    """Tell whether it begins without waiting."""
    try:
        async with asyncio.timeout(0.05):
            await pause.over(full=full)
    except TimeoutError:
        return False
    return True


async def test_the_first_does_not_wait_and_the_next_does():
    pause = Pause(LONG)
    assert await begins(pause)
    assert not await begins(pause)


async def test_a_full_one_does_not_wait_and_the_next_waits_for_it():
    pause = Pause(LONG)
    await begins(pause)
    assert await begins(pause, full=True)
    assert not await begins(pause)


async def test_whoever_comes_after_the_pause_does_not_wait():
    pause = Pause(0.01)
    await begins(pause)
    await asyncio.sleep(0.02)
    assert await begins(pause)


async def test_without_seconds_nobody_waits():
    pause = Pause(0)
    assert [await begins(pause) for _ in range(3)] == [True] * 3
