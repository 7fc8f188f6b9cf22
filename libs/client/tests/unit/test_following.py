from itertools import islice

import pytest
from libs.client.tests.samples import JOB_ID, event, job, message
from libs.client.tests.server import LOST, Told, refusal, stream

from atelier import AsyncAtelier, Atelier, JobFailed, NotFound, Patience, TookTooLong, Unreachable

QUICK = Patience(tries=3, seconds=5, first=0.01, longest=0.02)
AT_ONCE = "retry: 0\n\n"


@pytest.fixture
def atelier(server):
    with Atelier(server.url, "atl_key", patience=QUICK) as made:
        yield made


def test_a_broken_stream_goes_on_after_the_last_event_and_shows_none_twice(server, atelier):
    half = message(3)[:40]
    server.script = [stream(AT_ONCE, message(1), message(2), half), stream(message(3), message(4))]
    assert [one.seq for one in islice(atelier.events(after=0), 4)] == [1, 2, 3, 4]
    assert [one.headers.get("last-event-id") for one in server.asked] == ["0", "2"]


def test_a_stream_from_now_on_resumes_where_it_began_though_nothing_had_happened(server, atelier):
    server.script = [stream("retry: 0\nid: 41\n\n"), stream(message(42))]
    assert next(iter(atelier.events())).seq == 42
    assert [one.headers.get("last-event-id") for one in server.asked] == [None, "41"]


def test_without_streams_events_are_read_by_the_page(server, atelier):
    server.script = [
        stream(AT_ONCE),
        LOST,
        Told(200, {"data": [event(1), event(2)], "next_cursor": "2"}),
        Told(200, {"data": [], "next_cursor": "2"}),
        LOST,
        Told(200, {"data": [event(3)], "next_cursor": "3"}),
    ]
    assert [one.seq for one in islice(atelier.events(after=0), 3)] == [1, 2, 3]


def test_events_that_are_not_kept_any_more_are_a_problem(server, atelier):
    server.script = [refusal(410, "events_expired", oldest="7")]
    with pytest.raises(NotFound, match="events_expired") as caught:
        next(iter(atelier.events(after=1)))
    assert caught.value.members["oldest"] == "7"


def test_a_stream_that_never_opens_is_unreachable():
    patience = Patience(tries=1)
    with Atelier("http://127.0.0.1:9", "key", patience=patience) as nobody, pytest.raises(Unreachable):
        next(iter(nobody.events()))


def waiting(states, events):
    """Answer reads of a job with its states in turn, and each stream with the next events."""

    def answer(asked):
        if asked.path.startswith("/api/events"):
            return events.pop(0) if events else refusal(503, "unavailable")
        return Told(200, states.pop(0) if len(states) > 1 else states[0])

    return answer


def test_waiting_tells_each_state_on_the_way(server, atelier):
    states = [job("queued"), job("processing"), job("completed")]
    server.answer = waiting(states, [stream(AT_ONCE, message(1), message(2, "other"), message(3))])
    told = []
    assert atelier.wait(JOB_ID, told=lambda seen: told.append(seen.status)).status == "completed"
    assert told == ["queued", "processing", "completed"]
    assert [one.path for one in server.asked].count(f"/api/jobs/{JOB_ID}") == 3


@pytest.mark.parametrize("events", [[refusal(429, "too_many_streams")], [LOST], [stream(AT_ONCE)]])
def test_waiting_needs_no_stream(server, atelier, events):
    server.answer = waiting([job("queued"), job("completed")], events)
    assert atelier.wait(JOB_ID).status == "completed"


def test_a_job_that_fails_is_an_error_with_the_job(server, atelier):
    failed = job("failed", code="content_policy", reason="not this")
    server.answer = waiting([failed], [stream(AT_ONCE)])
    with pytest.raises(JobFailed, match=r"is failed \(content_policy: not this\)") as caught:
        atelier.wait(JOB_ID)
    assert caught.value.job.code == "content_policy"


def test_waiting_ends_in_time(server, atelier):
    server.answer = waiting([job("processing")], [])
    with pytest.raises(TookTooLong, match="it goes on"):
        atelier.wait(JOB_ID, within=0.1)


async def test_the_async_client_does_the_same(server):
    server.script = [stream(AT_ONCE, message(1)), stream(message(2))]
    async with AsyncAtelier(server.url, "atl_key", patience=QUICK) as atelier:
        found = []
        async for one in atelier.events(after=0):
            found.append(one.seq)
            if len(found) == 2:
                break
        assert found == [1, 2]
        server.answer = waiting([job("queued"), job("completed")], [stream(AT_ONCE, message(3))])
        assert (await atelier.wait(JOB_ID)).status == "completed"
