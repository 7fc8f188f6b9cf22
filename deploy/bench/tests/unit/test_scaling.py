from pathlib import Path

from bench.scaling import lines, out_of_order, shard_of, spread, zipf

EVEN = [1 / 1000] * 1000


def test_loads_add_up_to_everything():
    loads = zipf(100, 1.0)
    assert abs(sum(loads) - 1) < 1e-9
    assert loads[0] / loads[9] == 10


def test_a_team_stays_where_it_is():
    assert [shard_of("a team", 8) for _ in range(3)] == [shard_of("a team", 8)] * 3
    assert {shard_of(str(n), 8) for n in range(100)} == set(range(8))


def test_equal_teams_fall_evenly():
    assert spread(EVEN, 4).times_fair < 1.2


def test_no_number_of_shards_helps_a_team_that_is_most_of_the_load():
    loads = [0.5, *(0.5 / 999 for _ in range(999))]
    assert spread(loads, 4).hottest >= 0.5
    assert spread(loads, 512).hottest >= 0.5
    assert spread(loads, 512, pockets=16).hottest < 0.25


def test_a_team_that_fits_a_shard_is_not_split():
    assert spread(EVEN, 8, pockets=16) == spread(EVEN, 8)


def test_who_is_free_first_breaks_the_order_and_a_consumer_for_each_team_keeps_it():
    loads = zipf(100, 1.0)
    assert out_of_order(2_000, 8, lambda _: -1, loads) > 0.05
    assert out_of_order(2_000, 8, lambda team: shard_of(str(team), 8), loads) == 0
    assert out_of_order(2_000, 1, lambda _: -1, loads) == 0


def test_the_document_shows_what_the_simulation_finds():
    shown = (Path(__file__).parents[4] / "docs" / "scale.md").read_text()
    assert [line for line in lines() if line not in shown] == []
