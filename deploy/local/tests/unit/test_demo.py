import io
from pathlib import Path

import pytest

from atelier_local.demo.hops import Hop, gathered
from atelier_local.demo.screen import Screen
from atelier_local.demo.words import bar, describe, hearers, short_name
from contracts.registry import MESSAGES

SAMPLES = Path(__file__).parents[4] / "libs/contracts/samples"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def sample(type_):
    return MESSAGES[type_].model_validate_json((SAMPLES / f"{type_}.json").read_text())


@pytest.mark.parametrize("type_", sorted(MESSAGES))
def test_every_message_is_said_in_one_short_line(type_):
    said = describe(sample(type_))
    assert said
    assert "\n" not in said
    assert len(said) <= 90


@pytest.mark.parametrize("type_", sorted(MESSAGES))
def test_every_message_has_somebody_who_hears_it(type_):
    assert hearers(sample(type_))


def test_hearers_are_the_services_whose_queues_are_bound():
    assert hearers(sample("credits.hold.v1")) == ["credits"]
    assert hearers(sample("credits.settled.v1")) == ["jobs"]
    assert hearers(sample("jobs.job-changed.v1")) == ["catalog", "gateway"]


def test_a_message_is_called_by_its_name_alone():
    assert short_name(sample("credits.hold-declined.v1")) == "hold-declined"


def test_a_receipt_is_told_with_the_end_of_a_job():
    assert describe(sample("jobs.job-changed.v1")) == "completed, 12 credits"


def test_a_bar_is_drawn_to_its_percentage():
    assert (bar(0), bar(40), bar(100)) == ("░░░░░░░░░░   0 %", "▓▓▓▓░░░░░░  40 %", "▓▓▓▓▓▓▓▓▓▓ 100 %")


def test_colours_are_for_terminals_only(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Screen(io.StringIO()).painted("ready", "good") == "ready"
    assert Screen(Terminal()).painted("ready", "good") == "\033[32mready\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(Terminal()).painted("ready", "good") == "ready"


def test_what_is_too_long_is_cut_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert Screen(Terminal()).cut("x" * 50, 60) == "x" * 19 + "…"
    assert Screen(io.StringIO()).cut("x" * 50, 60) == "x" * 50


def test_a_table_aligns_its_columns():
    out = io.StringIO()
    Screen(out).table([("entry", "amount"), ("reserve", "-100"), ("deduct", "")], "<>")
    assert out.getvalue().splitlines() == ["  entry    amount", "  reserve    -100", "  deduct"]


def test_repeated_hops_become_one_with_the_longest_time():
    hops = [Hop(0, 1, "jobs", "s3 put"), Hop(2, 5, "jobs", "s3 put"), Hop(8, 2, "credits", "handle")]
    assert gathered(hops) == [Hop(0, 5, "jobs", "s3 put", 2), Hop(8, 2, "credits", "handle")]
