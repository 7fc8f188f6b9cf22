from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.clock import Clock
from contracts.credits import CaptureCredits, CreditsSettled
from contracts.envelope import Delivery
from credits.application.ports import Alarms, Transaction
from credits.application.settle import settle
from credits.domain.books import Books
from credits.domain.settling import capture, says_otherwise


async def capture_credits(
    deliveries: Sequence[Delivery[CaptureCredits]], transaction: Transaction, alarms: Alarms, clock: Clock
) -> None:
    """Charge what each job delivered and give the rest of its hold back; once."""

    def decide(books: Books, command: CaptureCredits, asked_by: UUID, now: datetime) -> CreditsSettled | None:
        settled = capture(books, command, asked_by, now)
        if says_otherwise(books.holds[command.job_id], command):
            alarms.conflict(command, "the hold ended otherwise before")
        return settled

    await settle(deliveries, decide, transaction, alarms, clock)
