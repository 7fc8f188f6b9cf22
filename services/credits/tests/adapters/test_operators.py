"""What operators type: it does what it says, says what it did, and stands in the ledger with who and why."""

import csv
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from services.credits.tests.conftest import Credits, Postgres
from services.credits.tests.stories import (
    DAY,
    NOW,
    ask,
    captured,
    dispute,
    order,
    period,
    refund,
    spending_key,
    top_up,
)
from sqlalchemy import text

from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined, PricingChanged
from credits.adapters.inbound import cli, options
from credits.application.announce_accounts import BACKLOG, NothingIsSent, announce_accounts
from credits.application.announce_prices import announce_prices
from credits.application.ports import Wanted

Type = Callable[..., Awaitable[int]]
COMMANDS = {
    "adjust": (cli.adjust, options.adjustment),
    "grant-bonus": (cli.grant, options.bonus),
    "refund": (cli.refund, options.refund),
    "freeze": (cli.set_frozen, options.freeze),
    "unfreeze": (cli.set_frozen, options.unfreeze),
    "statement": (cli.statement, options.statement),
    "repair": (cli.repair, options.repair),
    "announce": (cli.announce, options.announcement),
}


@pytest.fixture
def type_(service: Credits) -> Type:
    """Type a command as an operator does."""

    async def typed(command: str, *arguments: object) -> int:
        run, ask_for = COMMANDS[command]
        parser = ArgumentParser(prog=command)
        ask_for(parser)
        given = parser.parse_args([str(argument) for argument in arguments])
        return await run(given, service.store.transaction, service.clock)

    return typed


async def said(service: Credits) -> AccountChanged:
    (account,) = await service.store.said()
    return account


async def charged(service: Credits, team: UUID, quantity: int = 4, **terms: object):
    asked = ask(team, order(quantity), **terms)
    await service.tell(asked)
    await service.tell(captured(asked, quantity))
    return asked


async def test_a_bonus_is_spent_until_it_expires_or_a_period_comes(service: Credits, type_: Type, capsys):
    team = await service.team_with(100)
    arguments = ("--team", team, "--credits", 30, "--expires", NOW + 5 * DAY, "--reason", "a bad day")
    assert await type_("grant-bonus", *arguments) == 0
    assert capsys.readouterr().out == f"team {team}: 130 credits can be spent (version 2)\n"
    account = await said(service)
    assert (account.available, account.bonus) == (100, 30)
    assert [(e.kind, e.amount, e.reason) for e in account.entries] == [("bonus", 30, "a bad day")]
    account = await service.answer(period(team, 100, NOW + DAY), AccountChanged)
    assert (account.available, account.bonus) == (100, 0)

    await type_("grant-bonus", *arguments)
    service.clock.forward(5 * DAY)
    assert (await service.expire(team))[-1].bonus == 0


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("grant-bonus", {"--credits": 0}),
        ("grant-bonus", {"--expires": NOW}),
        ("grant-bonus", {"--team": uuid4()}),
        ("freeze", {"--team": uuid4()}),
        ("refund", {"--job": uuid4()}),
        ("adjust", {"--amount": -101}),
        ("statement", {"--team": uuid4()}),
        ("announce", {"--team": uuid4()}),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    service: Credits, type_: Type, capsys, command: str, changed: dict[str, object]
):
    team = await service.team_with(100)
    usual: dict[str, dict[str, object]] = {
        "grant-bonus": {"--team": team, "--credits": 1, "--expires": NOW + DAY, "--reason": "x"},
        "freeze": {"--team": team, "--reason": "x"},
        "refund": {"--reason": "x"},
        "adjust": {"--team": team, "--reason": "x"},
        "statement": {"--month": "2026-11"},
        "announce": {},
    }
    arguments = [part for pair in (usual[command] | changed).items() for part in pair]
    assert await type_(command, *arguments) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (await service.account(team)).version == 1
    assert await service.store.said() == []


@pytest.mark.parametrize(
    "arguments", [["--month", "2026-13"], ["--month", "november"], ["--team", "me", "--month", "2026-11"]]
)
async def test_what_is_not_understood_is_refused_before_anything_is_done(type_: Type, arguments: list[str]):
    with pytest.raises(SystemExit) as refused:
        await type_("statement", *arguments)
    assert refused.value.code == 2


async def test_a_reason_must_say_something(type_: Type, capsys):
    with pytest.raises(SystemExit):
        await type_("freeze", "--team", uuid4(), "--reason", "  ")
    assert "must not be empty" in capsys.readouterr().err


async def test_a_frozen_team_finishes_what_runs_and_starts_nothing(service: Credits, type_: Type, capsys):
    team = await service.team_with(100)
    running = ask(team, order(4))
    await service.tell(running)
    assert await type_("freeze", "--team", team, "--reason", "looks stolen") == 0
    account = await said(service)
    assert (account.frozen, account.entries[0].reason) == (True, "frozen: looks stolen")
    assert (await service.answer(ask(team), HoldDeclined)).code == "account_frozen"
    assert (await service.answer(captured(running, 4), CreditsSettled)).captured == 8
    assert await type_("freeze", "--team", team, "--reason", "looks stolen") == 0
    assert capsys.readouterr().out.endswith(": frozen, as before (version 4)\n")
    assert await type_("unfreeze", "--team", team, "--reason", "all is well") == 0
    await service.store.said()
    await service.answer(ask(team), CreditsHeld)


async def test_unfreezing_does_not_end_a_dispute(service: Credits, type_: Type, capsys):
    paid = top_up(uuid4())
    await service.tell(paid)
    await service.tell(dispute(paid, "opened"))
    await type_("freeze", "--team", paid.team_id, "--reason", "x")
    await type_("unfreeze", "--team", paid.team_id, "--reason", "x")
    assert "1 open disputes keep it frozen" in capsys.readouterr().out
    assert (await service.account(paid.team_id)).frozen


async def test_a_captured_job_is_refunded_once_into_where_it_came_from(service: Credits, type_: Type, capsys):
    team, key = await service.team_with(100), spending_key(8)
    asked = await charged(service, team, api_key=key)
    job = asked.orders[0].job_id
    assert await type_("refund", "--job", job, "--reason", "blurred") == 0
    account = await said(service)
    (entry,) = account.entries
    assert (entry.kind, entry.amount, entry.charged, entry.job_id) == ("refund", 8, -8, job)
    assert entry.reason == "refund: blurred"
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [("plan", 100)]
    assert await type_("refund", "--job", job, "--reason", "blurred") == 0
    assert "8 credits were refunded before" in capsys.readouterr().out
    assert await type_("refund", "--job", job, "--credits", 3, "--reason", "blurred") == 1
    assert await service.store.said() == []
    await service.answer(ask(team, api_key=key), CreditsHeld)  # its budget is whole again


async def test_no_more_is_refunded_than_was_charged(service: Credits, type_: Type):
    asked = await charged(service, await service.team_with(100))
    job = asked.orders[0].job_id
    assert await type_("refund", "--job", job, "--credits", 9, "--reason", "x") == 1
    assert await type_("refund", "--job", job, "--credits", 0, "--reason", "x") == 1
    assert await type_("refund", "--job", job, "--credits", 5, "--reason", "x") == 0
    assert (await service.account(asked.team_id)).available == 97


async def test_what_was_charged_last_returns_first(service: Credits, type_: Type):
    paid = top_up(await service.team_with(5), 20)
    await service.tell(paid)
    asked = await charged(service, paid.team_id)
    await type_("refund", "--job", asked.orders[0].job_id, "--credits", 4, "--reason", "x")
    account = await said(service)
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [("plan", 1), ("topup", 20)]


async def test_a_job_paid_from_a_closed_bucket_is_refunded_for_good(service: Credits, type_: Type):
    team = await service.team_with(100)
    asked = await charged(service, team)
    await service.tell(period(team, 50, NOW + DAY))
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    account = await said(service)
    assert [(bucket.kind, bucket.remaining) for bucket in account.buckets] == [
        ("plan", 50),
        ("adjustment", 8),
    ]


async def test_a_refunded_job_of_a_refunded_payment_pays_what_is_owed(service: Credits, type_: Type):
    paid = top_up(uuid4(), 8)
    await service.tell(paid)
    asked = await charged(service, paid.team_id)
    assert (await service.answer(refund(paid), AccountChanged)).uncollected == 8
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    account = await said(service)
    assert (account.available, account.uncollected) == (0, 0)


async def test_what_was_charged_late_can_be_refunded_too(service: Credits, type_: Type):
    team = await service.team_with(100)
    asked = ask(team, order(4))
    await service.tell(asked)
    service.clock.forward(timedelta(days=2))
    await service.expire(team)
    await service.tell(captured(asked, 3))
    await type_("refund", "--job", asked.orders[0].job_id, "--reason", "x")
    assert (await said(service)).available == 100


async def test_a_statement_adds_up(service: Credits, type_: Type, capsys):
    team = await service.team_with(100)
    service.clock.forward(35 * DAY)
    await service.tell(period(team, 50, service.clock.now))
    asked = await charged(service, team, not_after=service.clock.now + DAY)
    assert await type_("statement", "--team", team, "--month", "2026-12") == 0
    heading, opening, *entries, closing = csv.reader(StringIO(capsys.readouterr().out))
    assert heading == ["date", "entry", "kind", "operation", "job", "reason", "amount", "balance"]
    assert (opening[0], opening[2], opening[-1]) == ("2026-12-01T00:00:00+00:00", "opening", "100")
    assert [(row[2], row[-2], row[-1]) for row in entries] == [
        ("expire", "-100", "0"),
        ("replenish", "50", "50"),
        ("reserve", "-8", "42"),
        ("deduct", "0", "42"),
    ]
    assert entries[-1][4] == str(asked.orders[0].job_id)
    assert (closing[0], closing[2], closing[-1]) == ("2027-01-01T00:00:00+00:00", "closing", "42")


async def test_a_month_in_which_nothing_happened_has_a_statement(service: Credits, type_: Type, capsys):
    team = await service.team_with(100)
    assert await type_("statement", "--team", team, "--month", "2026-10") == 0
    assert [row[-1] for row in csv.reader(StringIO(capsys.readouterr().out))] == ["balance", "0", "0"]


async def test_documents_are_said_again_as_they_stand_to_those_who_mend_their_views(
    service: Credits, type_: Type, capsys
):
    team = await service.team_with(100)
    await announce_prices(service.store.transaction, service.clock)
    await service.store.said()
    assert await type_("announce", "--team", team) == 0
    (account,) = await service.store.said_again()
    assert (account.version, account.available) == (1, 100)
    assert [(entry.kind, entry.amount, entry.version) for entry in account.entries] == [("replenish", 100, 1)]
    assert await type_("announce") == 0
    again = await service.store.said_again()
    accounts = [document for document in again if isinstance(document, AccountChanged)]
    assert isinstance(again[0], PricingChanged)
    assert account in accounts
    assert await service.store.said() == []
    assert capsys.readouterr().out.endswith(
        f"announced: the price list, {len({one.team_id for one in accounts})} accounts\n"
    )


async def test_a_long_history_is_said_again_by_pages_of_whole_versions(
    service: Credits, type_: Type, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("credits.application.announce_accounts.LINES", 2)
    team = await service.team_with(100)
    asked, job = ask(team, order(4), order(4), order(4)), ask(team, order(4))
    told = [await service.tell(each) for each in (asked, job, captured(job, 4))]
    lines = [
        line for facts in told for fact in facts if isinstance(fact, AccountChanged) for line in fact.entries
    ]
    assert await type_("announce", "--team", team) == 0
    pages = await service.store.said_again()
    assert [[line.version for line in page.entries] for page in pages] == [[1, 2, 2, 2], [3, 4]]
    assert [line for page in pages for line in page.entries][1:] == lines
    assert {page.version for page in pages} == {4}


async def test_nothing_is_repaired_where_nothing_is_wrong(service: Credits, type_: Type, capsys):
    await charged(service, await service.team_with(100))
    assert await type_("repair") == 0
    assert await type_("repair", "--apply") == 0
    assert capsys.readouterr().out == "repair: 0 found, nothing changed\nrepair: 0 mended, 0 left\n"


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
    async with service.store.database.engine.begin() as connection:
        await connection.execute(text(f"update credits.holds set {what} where id = :id"), {"id": job})
