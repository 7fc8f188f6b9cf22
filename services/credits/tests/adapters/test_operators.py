"""What operators type: bonuses, freezing, statements, announcements, repair."""

import csv
from io import StringIO
from uuid import uuid4

import pytest
from services.credits.tests.conftest import Credits
from services.credits.tests.operating import Type, charged, said
from services.credits.tests.stories import DAY, NOW, ask, captured, dispute, order, period, top_up

from contracts.credits import AccountChanged, CreditsHeld, CreditsSettled, HoldDeclined, PricingChanged
from credits.application.announce_prices import announce_prices


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
