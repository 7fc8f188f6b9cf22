"""Tell what a batch did: each changed account once, then the answers."""

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Delivery
from contracts.message import Message
from credits.application.ports import Outbox
from credits.domain.books import Books
from credits.domain.low_balance import ran_low

Answer = tuple[Message, Delivery[Any] | None]


def announce(
    outbox: Outbox, books: Books, answers: Sequence[Answer] = (), deliveries: Sequence[Delivery[Any]] = ()
) -> None:
    """Say the changed accounts, caused by the team's first delivery, and which ran low; then answer.

    Documents go first, so that whoever hears an answer has seen what it did.
    """
    causes = {delivery.message.team_id: delivery for delivery in reversed(deliveries)}
    for account in books.accounts.values():
        if account.postings:
            cause = causes.get(account.team_id)
            outbox.add(account.face(), cause)
            for warning in ran_low(account, books.limits.low_balance):
                outbox.add(warning, cause)
    for answer, cause in answers:
        outbox.add(answer, cause)
