"""CPU time is counted where it is spent, children included."""

import os
import subprocess
import sys

from bench.cpu import Processes, cost

BUSY = "import time\nwhile time.process_time() < 0.2: pass"


def test_what_a_process_started_counts_with_it_also_when_it_has_ended():
    mine = Processes({os.getpid(): "mine"})
    before = mine.spent()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert mine.spent()["mine"] - before["mine"] >= 0.15  # the kernel counts in ticks, and rounds down


def test_a_child_that_has_a_name_of_its_own_counts_there():
    with subprocess.Popen([sys.executable, "-c", f"{BUSY}\ninput()"], stdin=subprocess.PIPE) as child:
        named = Processes({os.getpid(): "mine", child.pid: "child"})
        while named.spent()["child"] < 0.1:
            assert child.poll() is None
        child.communicate(b"\n")


def test_what_has_the_same_name_counts_together():
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as one,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other,
    ):
        found = Processes({one.pid: "credits", other.pid: "credits", os.getpid(): "mine"})
        assert sorted(found.pids()["credits"]) == sorted([one.pid, other.pid])
        assert os.getpid() in found.pids()["mine"]
        assert found.spent().keys() == {"credits", "mine"}
        for process in (one, other):
            process.communicate(b"\n")


def test_the_cost_of_a_hold_is_in_milliseconds_and_summed():
    before, after = {"credits": 1.0, "Postgres": 0.5}, {"credits": 2.0, "Postgres": 0.75}
    assert cost(before, after, 1000) == {"credits": 1.0, "Postgres": 0.25, "all": 1.25}
