"""Tell what a batch did: each changed account once, then the answers."""

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Delivery
from contracts.message import Message
from credits.application.ports import Outbox
from credits.domain.books import Books

Answer = tuple[Message, Delivery[Any] | None]


def announce(
    outbox: Outbox, books: Books, answers: Sequence[Answer] = (), deliveries: Sequence[Delivery[Any]] = ()
) -> None:
    """Say the changed accounts, caused by the team's first delivery, then answer.

    Documents go first, so that whoever hears an answer has seen what it did.
    """
    causes = {delivery.message.team_id: delivery for delivery in reversed(deliveries)}
    for account in books.accounts.values():
        if account.postings:
            outbox.add(account.face(), causes.get(account.team_id))
    for answer, cause in answers:
        outbox.add(answer, cause)
