"""The gateway's transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import chassis.outbox
from chassis.database import Database
from chassis.telemetry import current_traceparent
from contracts.envelope import Cause
from contracts.message import Message
from gateway.adapters.outbound.postgres.activity import StoredActivity
from gateway.adapters.outbound.postgres.books import StoredBooks
from gateway.adapters.outbound.postgres.deliveries import StoredDeliveries
from gateway.adapters.outbound.postgres.documents import StoredDocuments
from gateway.adapters.outbound.postgres.endpoints import StoredEndpoints
from gateway.adapters.outbound.postgres.event_log import StoredLog
from gateway.adapters.outbound.postgres.findings import StoredFindings
from gateway.adapters.outbound.postgres.images import StoredImages
from gateway.adapters.outbound.postgres.invitations import StoredInvitations, StoredProofs
from gateway.adapters.outbound.postgres.keys import StoredKeys
from gateway.adapters.outbound.postgres.letters import StoredLetters
from gateway.adapters.outbound.postgres.requests import StoredRequests
from gateway.adapters.outbound.postgres.restored import StoredRestored
from gateway.adapters.outbound.postgres.sessions import StoredSessions
from gateway.adapters.outbound.postgres.slots import StoredSlots
from gateway.adapters.outbound.postgres.teams import StoredTeams
from gateway.adapters.outbound.postgres.throttles import StoredThrottles
from gateway.adapters.outbound.postgres.users import StoredUsers
from gateway.adapters.outbound.postgres.views import ViewsOn
from gateway.application.ports import Transaction, Work


@dataclass(frozen=True, slots=True)
class Sayings:
    """The outbox of a transaction; what it says belongs to the trace of whoever asked."""

    outbox: chassis.outbox.Outbox

    def say(self, message: Message, correlation_id: UUID) -> None:
        """Say a message once the transaction has committed."""
        self.outbox.add(message, Cause(correlation_id, traceparent=current_traceparent()))


def transaction(database: Database) -> Transaction:
    """Let use cases open transactions on this database."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            connection = session.connection
            yield Work(
                users=StoredUsers(connection),
                teams=StoredTeams(connection),
                sessions=StoredSessions(connection),
                invitations=StoredInvitations(connection),
                proofs=StoredProofs(connection),
                activity=StoredActivity(connection),
                post=StoredLetters(connection),
                keys=StoredKeys(connection),
                requests=StoredRequests(connection),
                slots=StoredSlots(connection),
                documents=StoredDocuments(connection),
                images=StoredImages(connection),
                views=ViewsOn(connection),
                log=StoredLog(connection),
                throttles=StoredThrottles(connection),
                books=StoredBooks(connection),
                findings=StoredFindings(connection),
                restored=StoredRestored(connection),
                endpoints=StoredEndpoints(connection),
                deliveries=StoredDeliveries(connection),
                outbox=Sayings(session.outbox),
            )

    return open_
