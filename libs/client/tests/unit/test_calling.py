import json

import pytest
from libs.client.tests.samples import BALANCE, JOB_ID, QUOTE, job
from libs.client.tests.server import LOST, Told, refusal

from atelier import (
    AsyncAtelier,
    Atelier,
    Declined,
    Invalid,
    NotFound,
    Patience,
    ServerFailed,
    TooMuch,
    Unreachable,
)

QUICK = Patience(tries=4, seconds=5, first=0.01, longest=0.02)
GENERATING = {"request_id": JOB_ID, "jobs": [job("queued")]}


@pytest.fixture
def atelier(server):
    with Atelier(server.url, "atl_key", patience=QUICK) as made:
        yield made


def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(server, atelier):
    server.script = [LOST, LOST, Told(202, GENERATING)]
    assert atelier.generate("a harbour", reference_model_id=JOB_ID).jobs[0].status == "queued"
    assert len(set(server.keys())) == 1
    assert len({one.body for one in server.asked}) == 1
    assert len(server.asked) == 3


def test_two_requests_have_two_keys(server, atelier):
    server.script = [Told(201, QUOTE), Told(201, QUOTE)]
    atelier.quote(quantity=4)
    atelier.quote(quantity=4)
    assert len(set(server.keys())) == 2


def test_a_key_that_is_given_is_the_key_that_is_sent(server, atelier):
    server.script = [LOST, Told(202, GENERATING)]
    atelier.generate("a harbour", reference_model_id=JOB_ID, idempotency_key="mine")
    assert server.keys() == ["mine", "mine"]


def test_reading_needs_no_key(server, atelier):
    server.script = [Told(200, BALANCE)]
    assert atelier.balance().available == 42
    assert server.keys() == [None]
    assert server.asked[0].headers["authorization"] == "Bearer atl_key"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(server, atelier, status):
    server.script = [Told(status, headers={"Retry-After": "0"}, raw=b"<html>"), Told(200, BALANCE)]
    assert atelier.balance().available == 42


def test_retry_after_is_honoured(server):
    server.script = [refusal(429, "rate_limited", {"Retry-After": "7"}), Told(201, QUOTE)]
    slept, flow = drive(server, Patience(first=0.01, seconds=10))
    assert flow.total == 8
    assert slept == [7.0]


def test_retry_after_may_be_a_date_that_has_passed(server, atelier):
    past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.script = [refusal(503, "unavailable", past), Told(200, BALANCE)]
    assert atelier.balance().available == 42


def test_who_is_to_wait_longer_than_the_patience_is_told_at_once(server, atelier):
    server.script = [refusal(429, "rate_limited", {"Retry-After": "900"})]
    with pytest.raises(TooMuch) as caught:
        atelier.balance()
    assert caught.value.retry_after == 900
    assert len(server.asked) == 1


def test_the_tries_are_bounded(server, atelier):
    server.script = [refusal(503, "unavailable", {"Retry-After": "0"})] * 4
    with pytest.raises(ServerFailed, match="unavailable: because of unavailable"):
        atelier.balance()
    assert len(server.asked) == 4


def test_a_server_that_never_answers_is_unreachable(server, atelier):
    server.script = [LOST] * 4
    with pytest.raises(Unreachable, match="POST /api/credits/quotes was not answered"):
        atelier.quote()
    assert len(set(server.keys())) == 1


def test_nobody_listening_is_unreachable():
    with Atelier("http://127.0.0.1:9", "key", patience=QUICK) as nobody, pytest.raises(Unreachable):
        nobody.balance()


def test_a_decline_is_told_with_its_numbers_and_not_asked_again(server, atelier):
    server.script = [refusal(402, "insufficient_credits", required=8, spendable=3)]
    with pytest.raises(Declined) as caught:
        atelier.generate("a harbour", reference_model_id=JOB_ID)
    refused = caught.value
    assert (refused.code, refused.required, refused.spendable) == ("insufficient_credits", 8, 3)
    assert (refused.status, refused.detail) == (402, "because of insufficient_credits")


def test_a_stored_refusal_is_not_asked_again(server, atelier):
    server.script = [refusal(429, "some_limit", {"Idempotency-Replayed": "true", "Retry-After": "0"})]
    with pytest.raises(TooMuch):
        atelier.export_images(["x"])


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (410, NotFound), (422, Invalid)])
def test_each_refusal_has_its_error(server, atelier, status, kind):
    server.script = [refusal(status, "some_code")]
    with pytest.raises(kind, match="some_code"):
        atelier.job(JOB_ID)


def test_what_was_not_given_is_not_sent(server, atelier):
    server.script = [Told(202, GENERATING)]
    atelier.generate("a harbour", reference_model_id=JOB_ID, count=2, size=(640, 480), seed=7)
    assert json.loads(server.asked[0].body) == {
        "prompt": "a harbour",
        "reference_model_id": JOB_ID,
        "count": 2,
        "size": {"width": 640, "height": 480},
        "quality": "standard",
        "format": "jpeg",
        "seed": "7",
        "negative_prompt": "",
    }


def test_lists_are_read_page_by_page(server, atelier):
    server.script = [
        Told(200, {"data": [job("queued"), job("processing")], "next_cursor": "more"}),
        Told(200, {"data": [job("completed")], "next_cursor": None}),
    ]
    assert [one.status for one in atelier.jobs()] == ["queued", "processing", "completed"]
    assert [one.path for one in server.asked] == ["/api/jobs?limit=100", "/api/jobs?limit=100&cursor=more"]


def test_no_more_is_read_than_wanted(server, atelier):
    server.script = [Told(200, {"data": [job("queued"), job("processing")], "next_cursor": "more"})]
    assert len(list(atelier.jobs(most=2))) == 2
    assert [one.path for one in server.asked] == ["/api/jobs?limit=2"]


async def test_the_async_client_does_the_same(server):
    server.script = [
        LOST,
        refusal(503, "unavailable", {"Retry-After": "0"}),
        Told(201, QUOTE),
        Told(200, {"data": [job("queued")], "next_cursor": "more"}),
        Told(200, {"data": [job("completed")], "next_cursor": None}),
        refusal(402, "insufficient_credits", required=8, spendable=3),
        *[LOST] * 4,
    ]
    async with AsyncAtelier(server.url, "atl_key", patience=QUICK) as atelier:
        assert (await atelier.quote()).total == 8
        assert len(set(server.keys())) == 1
        assert [one.status async for one in atelier.jobs()] == ["queued", "completed"]
        with pytest.raises(Declined):
            await atelier.quote()
        with pytest.raises(Unreachable):
            await atelier.balance()


def drive(server, patience):
    """Carry a flow out by hand, and write down its pauses instead of waiting."""
    from atelier.calling import ask
    from atelier.documents import Quote
    from atelier.flow import Answer, Request, Sleep

    slept = []
    flow = ask(patience, Quote, Request("POST", "/api/credits/quotes", json={}))
    effect = next(flow)
    try:
        while True:
            if isinstance(effect, Sleep):
                slept.append(effect.seconds)
                effect = flow.send(None)
            else:
                told = server.script.pop(0)
                headers = {name.lower(): value for name, value in told.headers.items()}
                effect = flow.send(Answer(told.status, headers, json.dumps(told.body).encode()))
    except StopIteration as end:
        return slept, end.value
