"""The command line explains itself and says in one line what is wrong, whatever is typed."""

import argparse
import json

import pytest
from libs.client.tests.samples import event, message
from libs.client.tests.server import Told, refusal, stream

from atelier.cli.__main__ import main
from atelier.cli.commands import COMMANDS
from atelier.cli.options import parser


def parsers(made, words=()):
    """Walk through all that can be typed: the words, and who reads what follows them."""
    yield words, made
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from parsers(below, (*words, name))


EVERY = dict(parsers(parser()))


def test_everything_that_can_be_done_can_be_typed():
    assert {tuple(word for word in words if word) for words in COMMANDS} <= set(EVERY)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_explains_itself_and_each_of_its_options(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['atelier', *words])}")
    made = EVERY[words]
    assert made.description
    explained = [action for action in made._actions if not isinstance(action, argparse._SubParsersAction)]
    assert [action.dest for action in explained if not action.help] == []


@pytest.mark.parametrize("words", [["--json", "credits"], ["credits", "--json"]])
def test_what_is_said_of_all_commands_is_said_before_or_after_them(words):
    said = parser().parse_args(["--timeout", "5", *words])
    assert (said.json, said.timeout, said.url) == (True, 5.0, None)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--url", "localhost", "credits"], 2, "no address of a server"),
        (["--url", "http://", "credits"], 2, "no address of a server"),
        (["--api-key", "atl_é", "credits"], 2, "no key has"),
        (["--api-key", "atl_\n", "credits"], 2, "no key has"),
        (["models", "create", "Ada", "--image", "missing.jpg"], 2, "missing.jpg: No such file or directory"),
        (["models", "create", "Ada", "--image", "{here}"], 1, "Is a directory"),
        (["models", "create", "Ada", "--image", "{text}"], 1, "only JPEG, PNG and WebP"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_before_anything_is_asked(
    server, tmp_path, capsys, words, status, said
):
    (tmp_path / "text.jpg").write_text("no image")
    typed = [word.format(here=tmp_path, text=tmp_path / "text.jpg") for word in words]
    assert main(["--url", server.url, *typed]) == status
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert shown.err.startswith("atelier: ")
    assert said in shown.err
    assert server.asked == []


def test_somebody_else_at_that_address_is_not_taken_for_atelier(server, capsys):
    server.script = [Told(200, raw=b"<html>It works!</html>")]
    assert main(["--url", server.url, "credits"]) == 4
    assert capsys.readouterr().err == (
        "atelier: /api/credits/balance was answered, but not by Atelier's API\n"
    )


def test_without_a_key_it_is_said_where_keys_are_made(server, capsys, monkeypatch):
    monkeypatch.delenv("ATELIER_API_KEY", raising=False)
    server.script = [Told(401, {"code": "not_authenticated", "detail": "Sign in, or send an API key."})]
    assert main(["--url", server.url, "credits"]) == 5
    assert "Keys are made in the dashboard; say yours in $ATELIER_API_KEY." in capsys.readouterr().err


def shown(server, capsys, *words):
    """The events that are printed, and after which each look at them began."""
    main(["--url", server.url, "--json", "events", *words])
    seen = [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()]
    return seen, [one.headers.get("last-event-id", one.path.partition("?")[2]) for one in server.asked]


def test_events_are_shown_from_now_on(server, capsys):
    server.script = [stream("retry: 0\n\n", message(41)), refusal(410, "events_expired")]
    assert shown(server, capsys) == ([41], ["", "41"])


def test_events_that_are_past_are_shown_when_it_is_said_since_when(server, capsys):
    pages = [{"data": [event(1), event(2)], "next_cursor": "2"}, {"data": [], "next_cursor": "2"}]
    server.script = [Told(200, page) for page in pages]
    assert shown(server, capsys, "--after", "0") == ([1, 2], ["after=0", "after=2"])


def test_events_that_are_past_are_shown_and_those_that_follow(server, capsys):
    server.script = [stream("retry: 0\n\n", message(8)), refusal(410, "events_expired")]
    assert shown(server, capsys, "--after", "7", "--follow") == ([8], ["7", "8"])
