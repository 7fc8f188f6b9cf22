"""Prices, balances and their history, as the API shows them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from services.gateway.tests.stage import Person, Stage

from chassis.clock import utc_now
from contracts.credits import AccountChanged, Bucket, Entry, LowBalance, Price, PricingChanged, SizeStep
from contracts.orders import Operation


def pricing(version: int, base: int, at: datetime) -> PricingChanged:
    images = Price(
        operation=Operation.GENERATE_IMAGES,
        base=base,
        qualities={"draft": 0.5, "standard": 1, "high": 2},
        sizes=(SizeStep(pixels=1_048_576, factor=1),),
    )
    return PricingChanged(version=version, effective_at=at, prices=(images,))


async def test_the_price_list_in_force_is_shown_and_cached_by_its_version(stage: Stage):
    person = await stage.person()
    unknown = await person.client.get("/api/credits/pricing")
    past, soon = datetime(2026, 1, 1, tzinfo=UTC), utc_now() + timedelta(hours=1)
    await stage.hear(pricing(2, 3, past), pricing(1, 2, past), pricing(3, 9, soon), pricing(2, 3, past))
    shown = await person.client.get("/api/credits/pricing")
    tag = {"If-None-Match": shown.headers["etag"]}
    known = await person.client.get("/api/credits/pricing", headers=tag)
    await stage.hear(pricing(4, 5, past))
    newer = await person.client.get("/api/credits/pricing", headers=tag)

    assert (unknown.status_code, unknown.json()["code"]) == (503, "pricing_unknown")
    assert (shown.json()["version"], shown.json()["effective_at"]) == (2, "2026-01-01T00:00:00Z")
    assert shown.json()["prices"][0] == {
        "operation": "generate_images",
        "base": 3,
        "qualities": {"draft": 0.5, "standard": 1.0, "high": 2.0},
        "sizes": [{"pixels": 1048576, "factor": 1.0}],
    }
    assert (known.status_code, known.content) == (304, b"")
    assert (newer.status_code, newer.json()["version"]) == (200, 4)


async def test_the_balance_says_what_is_frozen_and_uncollected(stage: Stage):
    person = await stage.person()
    await stage.hear(
        AccountChanged(
            team_id=person.team_id, version=7, available=3, bonus=2, reserved=1, frozen=True, uncollected=4
        )
    )
    balance = (await person.client.get("/api/credits/balance")).json()
    names = ("version", "available", "bonus", "reserved", "frozen", "uncollected")

    assert [balance[name] for name in names] == [7, 3, 2, 1, True, 4]


async def test_the_balance_says_where_credits_come_from_when_they_end_and_when_more_come(stage: Stage):
    person, ids = await stage.person(), (uuid4(), uuid4())
    ends = datetime(2027, 1, 4, tzinfo=UTC)
    plan = Bucket(id=ids[0], kind="plan", granted=200, remaining=150, held=8, expires_at=ends)
    pack = Bucket(id=ids[1], kind="topup", granted=50, remaining=50, held=0)
    more = datetime(2027, 1, 1, tzinfo=UTC)
    account = {"available": 200, "bonus": 0, "reserved": 8, "buckets": (plan, pack)}
    await stage.hear(AccountChanged(team_id=person.team_id, version=7, next_replenishment_at=more, **account))
    balance = (await person.client.get("/api/credits/balance")).json()

    assert balance["next_replenishment_at"] == "2027-01-01T00:00:00Z"
    assert balance["buckets"] == [
        {
            "id": str(ids[0]), "kind": "plan", "granted": 200, "remaining": 150, "held": 8,
            "expires_at": "2027-01-04T00:00:00Z",
        },
        {
            "id": str(ids[1]), "kind": "topup", "granted": 50, "remaining": 50, "held": 0,
            "expires_at": None,
        },
    ]  # fmt: skip


async def test_a_low_balance_is_one_event_however_often_it_is_told(stage: Stage):
    person = await stage.person()
    low = LowBalance(team_id=person.team_id, spendable=19, threshold=20, at=utc_now())
    await stage.hear(low, low)
    await stage.hear(low)
    later = low.model_copy(update={"spendable": 5, "at": low.at + timedelta(hours=1)})
    await stage.hear(later)
    events = (await person.client.get("/api/events")).json()["data"]
    notices = [event for event in events if event["type"] == "account.low_balance"]

    assert [notice["data"] for notice in notices] == [
        {"spendable": 19, "threshold": 20},
        {"spendable": 5, "threshold": 20},
    ]
    assert notices[0]["subject"] == str(person.team_id)


DAYS = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (1, 2, 3)]


async def history(stage: Stage, person: Person, reason: str = "") -> None:
    """Give somebody a history of three days, after what they signed up with."""
    entries = [
        Entry(
            id=uuid4(), kind=kind, amount=amount, charged=charged, balance_after=200 + amount, version=2 + n,
            job_id=uuid4(), operation="generate_images", reason=reason, at=at,
        )
        for n, (kind, amount, charged, at) in enumerate(
            zip(("reserve", "deduct", "refund"), (-8, 0, 2), (0, 6, 0), DAYS, strict=True)
        )
    ]  # fmt: skip
    await stage.hear(
        AccountChanged(
            team_id=person.team_id, version=4, available=194, bonus=0, reserved=0, entries=tuple(entries)
        )
    )


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("from=2026-11-02", ["refund", "deduct"]),
        ("to=2026-11-02", ["reserve"]),
        ("from=2026-11-02T12:00:00Z&to=2026-11-03T12:00:00Z", ["deduct"]),
        ("from=2026-11-03T13:00:00%2B01:00", ["refund"]),
        ("to=2026-11-30&type=deduct", ["deduct"]),
        ("from=2026-12-01", []),
    ],
)
async def test_history_is_cut_by_time(stage: Stage, query: str, types: list[str]):
    person = await stage.person()
    await history(stage, person)
    found = await person.client.get(f"/api/credits/history?{query}")
    shown = [line["type"] for line in found.json()["data"] if line["type"] != "replenish"]

    assert shown == types


async def test_history_lines_say_everything_about_a_change(stage: Stage):
    person = await stage.person()
    await history(stage, person, "captured")
    [line] = (await person.client.get("/api/credits/history?type=deduct")).json()["data"]

    assert (line["operation"], line["reason"]) == ("generate_images", "captured")
    assert (line["amount"], line["charged"], line["balance_after"]) == (0, 6, 200)
    assert line["job_id"] is not None


@pytest.mark.parametrize("way", ["header", "query"])
async def test_history_is_a_file_of_all_lines(stage: Stage, way: str):
    person = await stage.person()
    await history(stage, person, '=cmd|"/c calc"!A1, or so')
    path = "/api/credits/history?operation=generate_images&limit=1"
    if way == "header":
        answer = await person.client.get(path, headers={"Accept": "text/csv"})
    else:
        answer = await person.client.get(f"{path}&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert [row["type"] for row in rows] == ["refund", "deduct", "reserve"]
    assert rows[2] | {"id": "", "job_id": ""} == {
        "at": "2026-11-01T12:00:00+00:00", "type": "reserve", "operation": "generate_images", "job_id": "",
        "reason": "'=cmd|\"/c calc\"!A1, or so", "amount": "-8", "charged": "0", "balance_after": "192",
        "id": "",
    }  # fmt: skip
