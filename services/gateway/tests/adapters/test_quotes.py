"""Offers that bind, and what is declined in spite of them."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from services.gateway.tests.stage import Stage, reference_model

from chassis.clock import utc_now
from contracts.credits import CreditsQuoted, HoldCredits, QuoteCredits
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.tidy_up import tidy_up

FOUR_IMAGES = {"items": [{"operation": "generate_images", "quantity": 4, "quality": "high"}]}


async def test_an_offer_names_items_prices_and_its_end(stage: Stage):
    person = await stage.person()
    body = {"items": [*FOUR_IMAGES["items"], {"operation": "create_model"}]}
    answer = await person.client.post("/api/credits/quotes", json=body)

    assert answer.status_code == 201, answer.text
    quote = answer.json()
    assert (quote["total"], quote["price_version"]) == (108, 1)
    assert [(item["operation"], item["unit_price"], item["total"]) for item in quote["items"]] == [
        ("generate_images", 2, 8),
        ("create_model", 100, 100),
    ]
    assert datetime.fromisoformat(quote["expires_at"]) > utc_now()
    [command] = [message for message in stage.said if isinstance(message, QuoteCredits)]
    assert (command.team_id, command.items[0].size.width, command.items[1].size) == (
        person.team_id, 1024, None,
    )  # fmt: skip


async def test_the_same_key_gets_the_same_offer_and_another_team_its_own(stage: Stage):
    ada, eve, key = await stage.person(), await stage.person(), {"Idempotency-Key": "offer"}
    first = await ada.client.post("/api/credits/quotes", json=FOUR_IMAGES, headers=key)
    again = await ada.client.post("/api/credits/quotes", json=FOUR_IMAGES, headers=key)
    other = await eve.client.post("/api/credits/quotes", json=FOUR_IMAGES, headers=key)
    changed = {"items": [{"operation": "refine_model"}]}
    reused = await ada.client.post("/api/credits/quotes", json=changed, headers=key)

    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["id"] != first.json()["id"]
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_an_offer_that_takes_its_time_is_there_when_asked_again(stage: Stage):
    person, key = await stage.person(), {"Idempotency-Key": "slow"}
    stage.silent = True
    object.__setattr__(stage.app.state.api.asking, "patience", 0.2)
    pending = await person.client.post("/api/credits/quotes", json=FOUR_IMAGES, headers=key)
    command = stage.said[-1]
    assert isinstance(command, QuoteCredits)
    await stage.hear(
        CreditsQuoted(
            request_id=command.request_id, team_id=person.team_id, id=uuid4(), items=(), total=8,
            price_version=3, expires_at=utc_now(),
        )
    )  # fmt: skip
    there = await person.client.post("/api/credits/quotes", json=FOUR_IMAGES, headers=key)

    assert (pending.status_code, pending.json()["code"]) == (503, "quote_pending")
    assert pending.headers["retry-after"] == "2"
    assert (there.status_code, there.json()["price_version"]) == (201, 3)


@pytest.mark.parametrize(
    "item",
    [
        {"operation": "create_model", "quantity": 2},
        {"operation": "refine_model", "quality": "high"},
        {"operation": "generate_images", "quantity": 17},
        {"operation": "generate_images", "size": {"width": 2048, "height": 2048}},
        {"operation": "paint"},
    ],
)
async def test_what_nobody_could_order_gets_no_offer(stage: Stage, item: dict[str, object]):
    person = await stage.person()
    answer = await person.client.post("/api/credits/quotes", json={"items": [item]})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert not [message for message in stage.said if isinstance(message, QuoteCredits)]


async def test_every_request_that_spends_takes_an_offer_up(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    offers = [str(uuid4()) for _ in range(2)]
    body = {"name": "Harbour", "description": "calm", "reference_model_id": str(reference.id)}
    await person.generate(reference_model_id=str(reference.id), quote_id=offers[0], max_credits=9)
    await person.client.post("/api/models", json=body | {"quote_id": offers[1], "max_credits": 100})
    holds = [message for message in stage.said if isinstance(message, HoldCredits)]

    assert [(str(hold.terms.quote_id), hold.terms.max_credits) for hold in holds] == [
        (offers[0], 9),
        (offers[1], 100),
    ]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("max_credits_exceeded", 402),
        ("key_budget_exceeded", 402),
        ("quote_expired", 409),
        ("quote_mismatch", 409),
        ("account_frozen", 409),
    ],
)
async def test_a_decline_has_its_own_code_and_words(stage: Stage, code: str, status: int):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    stage.decline = code
    answer = await person.generate(reference_model_id=str(reference.id), quote_id=str(uuid4()))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"] != code
    assert (await person.client.get("/api/jobs")).json()["data"] == []


async def test_a_full_queue_says_how_many_and_why(stage: Stage):
    person, reference = await stage.person(), reference_model()
    await stage.hear(reference)
    for _ in range(20):
        await person.generate(reference_model_id=str(reference.id), count=1)
    full = (await person.generate(reference_model_id=str(reference.id), count=1)).json()

    assert (full["code"], full["open"], full["allowed"]) == ("queue_full", 20, 20)
    assert full["reason"] == "plan_open_limit"
    assert "20 open jobs" in full["detail"]


async def test_an_offer_is_forgotten_with_its_request(stage: Stage):
    person = await stage.person()
    await person.client.post("/api/credits/quotes", json=FOUR_IMAGES)
    await tidy_up(transaction(stage.database), lambda: utc_now() + timedelta(hours=25))

    assert (await stage.rows("select count(*) as n from gateway.view_quotes"))[0].n == 0
