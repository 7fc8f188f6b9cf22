"""Who goes next, and when a provider that takes nothing is tried again."""

from datetime import timedelta
from uuid import UUID

from services.jobs.tests.stories import NOW

from jobs.domain.breaker import Breaker
from jobs.domain.fairness import Waiting, choose

ANN, BOB = UUID(int=1), UUID(int=2)


def waiting(n: int, team: UUID, priority: int = 0) -> Waiting:
    return Waiting(UUID(int=100 + n), team, priority, NOW + timedelta(seconds=n))


def test_a_thousand_jobs_of_one_team_do_not_delay_the_first_of_another():
    line = [waiting(n, ANN) for n in range(1000)] + [waiting(2000, BOB)]
    chosen = choose(line, {ANN: 1}, {ANN: 20, BOB: 1}, free=3)
    assert chosen == [UUID(int=2100), UUID(int=100), UUID(int=101)]


def test_a_team_never_gets_more_than_its_limit():
    line = [waiting(n, ANN) for n in range(5)]
    assert choose(line, {ANN: 2}, {ANN: 3}, free=10) == [UUID(int=100)]


def test_a_team_at_its_limit_keeps_no_other_from_its_turn():
    line = [waiting(1, ANN), waiting(2, BOB)]
    assert choose(line, {ANN: 1, BOB: 2}, {ANN: 1, BOB: 3}, free=5) == [UUID(int=102)]


def test_each_job_that_starts_counts_as_one_more_running():
    line = [waiting(1, ANN), waiting(2, ANN), waiting(3, BOB), waiting(4, BOB)]
    assert choose(line, {BOB: 1}, {ANN: 9, BOB: 9}, free=4) == [UUID(int=100 + n) for n in (1, 2, 3, 4)]


def test_priority_goes_before_age_within_a_team():
    line = [waiting(1, ANN), waiting(2, ANN, priority=5)]
    assert choose(line, {}, {ANN: 1}, free=1) == [UUID(int=102)]


def test_nobody_goes_without_a_free_slot():
    assert choose([waiting(1, ANN)], {}, {ANN: 1}, free=0) == []


def test_a_breaker_opens_ever_longer_up_to_a_minute():
    breaker, now, waits = Breaker(), NOW, []
    for _ in range(8):
        breaker.trip(now)
        waits.append((breaker.open_until - now).total_seconds())
        now = breaker.open_until
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_calls_that_fail_together_count_as_one():
    breaker = Breaker()
    for _ in range(40):
        breaker.trip(NOW)
    assert breaker.failures == 1


def test_one_call_finds_out_whether_the_provider_is_back():
    breaker = Breaker()
    breaker.trip(NOW)
    later = NOW + timedelta(seconds=2)
    assert [breaker.allows(5, 0, NOW), breaker.allows(5, 0, later), breaker.allows(5, 1, later)] == [0, 1, 0]
    breaker.heal()
    assert breaker.allows(5, 1, later) == 5
