"""Deliver the letters that are due, each attempt written down before it is made."""

from typing import Protocol

from chassis.clock import Clock
from gateway.application.ports import Transaction
from gateway.domain.letters import Letter, Undelivered, next_attempt

_AT_ONCE = 10


class Postman(Protocol):
    """Whoever takes letters to their recipients."""

    async def deliver(self, letter: Letter) -> None:
        """Hand a letter over. Raises Undelivered."""


async def send_letters(transaction: Transaction, postman: Postman, clock: Clock) -> bool:
    """Try each letter that is due once; tells whether there may be more.

    A letter that is never taken is parked, where an operator finds it. After a crash an attempt counts as
    failed, although the letter may have been taken: the next one carries the same id, as far as a mail
    server looks at it.
    """
    async with transaction() as work:
        letters = await work.post.claim(clock(), _AT_ONCE)
    for letter in letters:
        await _send(letter, transaction, postman, clock)
    return len(letters) == _AT_ONCE


async def _send(letter: Letter, transaction: Transaction, postman: Postman, clock: Clock) -> None:
    try:
        await postman.deliver(letter)
    except Undelivered as error:
        again = None if error.for_good else next_attempt(letter.attempt, clock())
        async with transaction() as work:
            await work.post.failed(letter.id, str(error), again)
        return
    async with transaction() as work:
        await work.post.delivered(letter.id)
