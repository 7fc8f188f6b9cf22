import os
import signal
import sys
import time

import pytest

from atelier_local.children import Child, Children
from atelier_local.notes import read_note, write_note
from atelier_local.processes import is_alive, wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


class Said(list):
    def __call__(self, line):
        self.append(line)


@pytest.fixture
def said():
    return Said()


@pytest.fixture
def children(tmp_path, said):
    made = Children(tmp_path, said)
    yield made
    made.end(["one", "two"], signal.SIGKILL)
    made.close()


def child(tmp_path, name="one", command=SLEEPER):
    return Child(name, command, dict(os.environ), tmp_path / f"{name}.log")


def test_a_process_that_dies_is_started_again_and_it_is_said(tmp_path, children, said):
    one = child(tmp_path)
    children.start(one)
    first = one.process.pid
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: one.is_running() and one.process.pid != first, 5)
    assert said[0].startswith("one was ended by SIGKILL; starting it again in 0.5 s")


def test_a_process_that_dies_at_once_is_started_ever_more_slowly(tmp_path, children, said):
    children.start(child(tmp_path, command=[sys.executable, "-c", "raise SystemExit(3)"]))
    assert wait_until(lambda: len(said) >= 2, 30)
    assert [line.split(" (")[0] for line in said[:2]] == [
        "one ended with status 3; starting it again in 0.5 s",
        "one ended with status 3; starting it again in 1.0 s",
    ]


def test_a_process_that_was_ended_stays_down(tmp_path, children, said):
    one = child(tmp_path)
    children.start(one)
    children.end(["one"])
    time.sleep(0.8)
    assert not one.is_running()
    assert said == []


def test_a_process_that_does_not_listen_is_killed(tmp_path, children, monkeypatch):
    monkeypatch.setattr("atelier_local.children.STOPPED_IN", 0.5)
    one = child(tmp_path, command=DEAF)
    children.start(one)
    assert wait_until(lambda: "1" in one.log.read_text(), 5)
    children.end(["one"])
    assert not one.is_running()


def test_what_a_crashed_run_left_behind_is_ended(tmp_path, children, said):
    left = Children(tmp_path, said)
    one = child(tmp_path)
    left.start(one)
    left.close()  # as if the run had been killed: the process lives on
    noted = read_note(tmp_path / "children.json")["one"]
    assert noted["pid"] == one.process.pid
    children.end_leftovers()
    assert not is_alive(noted["pid"])
    one.process.wait()
    assert said == ["ending one, left over from an earlier run"]


def test_a_stranger_with_a_noted_number_is_left_alone(tmp_path, children):
    write_note(tmp_path / "children.json", {"one": {"pid": os.getpid(), "command": "python -m jobs serve"}})
    children.end_leftovers()
    assert is_alive(os.getpid())
