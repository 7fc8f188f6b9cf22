"""What is booked beyond the holds is found, and given back once; nothing else is touched."""

from uuid import UUID

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.operating import Type, charged, said
from services.credits.tests.stories import ask, order

from chassis.statement import text
from credits.application.announce_accounts import BACKLOG, NothingIsSent, announce_accounts
from credits.application.ports import Wanted


@pytest.mark.parametrize("service", ["postgres"], indirect=True)
class TestOnPostgres:
    async def test_who_did_it_is_noted(self, service: Credits, type_: Type):
        team = await service.team_with(100)
        await type_("adjust", "--team", team, "--amount", 5, "--reason", "x", "--by", "ada")
        async with service.store.database.reading() as connection:
            rows = await connection.execute(
                text("select operator from credits.ledger_transactions where team_id = :t order by version"),
                {"t": team},
            )
            assert list(rows.scalars()) == [None, "ada"]

    async def test_announcing_gives_up_when_nothing_is_sent(self, service: Credits):
        team = await service.team_with(1)
        async with service.store.transaction() as work:
            books = await work.bookkeeper.open(Wanted(teams={team}))
            for _ in range(BACKLOG + 1):
                work.outbox.add(books.accounts[team].face())
        with pytest.raises(NothingIsSent):
            await announce_accounts(None, service.store.transaction, service.clock, patience=0.1)
        await service.store.said()

    async def test_what_is_booked_beyond_the_holds_is_given_back_once(
        self, service: Credits, type_: Type, capsys
    ):
        asked = await charged(service, await service.team_with(100))
        stranded = ask(asked.team_id, order(3))
        await service.tell(stranded)
        await damage(service, asked.orders[0].job_id, stranded.orders[0].job_id)
        assert await type_("repair") == 1
        assert capsys.readouterr().out.endswith("repair: 2 found, nothing changed\n")
        assert await type_("repair", "--apply", "--most", 7) == 1
        assert "a person" not in capsys.readouterr().out

        assert await type_("repair", "--apply", "--by", "ada") == 0
        account = await said(service)
        assert [(e.kind, e.amount, e.charged) for e in account.entries] == [
            ("refund", 2, -2),
            ("refund", 6, 0),
        ]
        assert (account.available, account.reserved) == (94, 0)
        capsys.readouterr()
        assert await type_("repair", "--apply") == 0
        assert capsys.readouterr().out == "repair: 0 mended, 0 left\n"

    async def test_what_is_booked_too_little_is_left_to_a_person(self, service: Credits, type_: Type, capsys):
        asked = await charged(service, await service.team_with(100), 3)
        job = asked.orders[0].job_id
        await change(service, "quantity = 4, amount = 8, captured = 8", job)
        assert await type_("repair", "--apply") == 1
        assert "a person must look" in capsys.readouterr().out
        await change(service, "quantity = 3, amount = 6, captured = 6", job)


async def damage(service: Credits, job: UUID, stranded: UUID) -> None:
    await change(service, "captured = captured - 2, released = released + 2", job)
    await change(service, "status = 'released', released = amount, settled_at = now()", stranded)


async def change(service: Credits, what: str, job: UUID) -> None:
    assert isinstance(service.store, Postgres)
    async with service.store.database.begin() as connection:
        await connection.execute(text(f"update credits.holds set {what} where id = :id"), {"id": job})
