"""Questions that come together are answered together: one read for all that wait."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Gathering(Generic[Question, Answer]):
    """Answers each question by a read that began after it was asked, and shares the read with others.

    It never lingers: a question is asked at once while fewer than `at_once` reads are under way, and while
    they are, the next one gathers. `ask_all` answers questions in their order; when it fails, so do they all.
    """

    def __init__(
        self,
        ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]],
        *,
        at_once: int = 2,
        most: int = 100,
    ) -> None:
        self._ask_all, self._at_once, self._most = ask_all, at_once, most
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._reading = 0
        self._reads: set[asyncio.Task[None]] = set()  # or they would be collected on the way

    async def ask(self, question: Question) -> Answer:
        """Wait for the answer."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._reading < self._at_once:
            self._reading += 1
            read = asyncio.create_task(self._read())
            self._reads.add(read)
            read.add_done_callback(self._reads.discard)
        return await answer

    async def _read(self) -> None:
        try:
            while asked := self._take():
                await self._answer(asked)
        finally:
            self._reading -= 1

    def _take(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        """Take what waits; who has gone meanwhile is not asked for."""
        taken: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self._waiting and len(taken) < self._most:
            question, answer = self._waiting.popleft()
            if not answer.done():
                taken.append((question, answer))
        return taken

    async def _answer(self, asked: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._ask_all([question for question, _ in asked])
        except BaseException as error:
            for _, waiting in asked:
                if not waiting.done():
                    waiting.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, waiting), answer in zip(asked, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
