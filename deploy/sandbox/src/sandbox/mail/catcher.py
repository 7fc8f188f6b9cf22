"""The SMTP side: takes every letter, unless told to refuse some."""

import asyncio
from collections import deque
from collections.abc import Sequence

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import BaseModel, Field

from sandbox.mail.letter import Letter

KEPT = 1000
LARGEST = 1024 * 1024


class MailFaults(BaseModel, extra="forbid"):
    """How many letters are refused from now on, with which reply.

    `lose_answer` is for how many the sandbox takes them and hangs up without an answer.
    """

    refuse: int = Field(0, ge=0)
    code: int = Field(451, ge=400, le=599)
    lose_answer: int = Field(0, ge=0)


class Catcher:
    """An SMTP server whose last letters can be read."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._server: asyncio.Server | None = None
        self.faults = MailFaults.model_validate({})

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def letters(self, to: str | None = None) -> Sequence[Letter]:
        """Return the letters, the newest first; with `to` those to one address."""
        return [letter for letter in reversed(self._letters) if to is None or letter.is_to(to)]

    def letter(self, id_: str) -> Letter | None:
        """Find a letter."""
        return next((letter for letter in self._letters if letter.id == id_), None)

    def forget(self, to: str | None = None) -> None:
        """Drop the letters, or those to one address."""
        rest = [letter for letter in self._letters if to is not None and not letter.is_to(to)]
        self._letters = deque(rest, maxlen=KEPT)

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a letter, or refuse it."""
        if self.faults.refuse:
            self.faults.refuse -= 1
            return f"{self.faults.code} refused by the sandbox"
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self._letters.append(Letter(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        if self.faults.lose_answer and server.transport is not None:
            self.faults.lose_answer -= 1
            server.transport.close()
        return "250 OK"

    def _connection(self) -> SMTP:
        return SMTP(self, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="sandbox", ident="Atelier")
