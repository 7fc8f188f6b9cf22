from billing.application.ports import EventState, KnownEvent, Transaction


async def list_events(state: EventState | None, limit: int, transaction: Transaction) -> list[KnownEvent]:
    """List what Stripe has said and what became of it, newest first; those of one state, or all."""
    async with transaction() as work:
        return await work.events.newest(state, limit)
