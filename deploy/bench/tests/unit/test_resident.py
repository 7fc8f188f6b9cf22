"""Memory that several share is not theirs several times."""

import os
from pathlib import Path

import pytest

from bench.resident import resident, resident_together


def test_one_alone_occupies_what_the_kernel_says():
    assert resident_together([os.getpid()]) == pytest.approx(resident(os.getpid()), rel=0.05)


def test_what_two_share_counts_once():
    one, two = resident_together([os.getpid()]), resident_together([os.getpid()] * 2)
    assert one < two < 2 * one


def test_who_has_just_ended_occupies_nothing():
    nobody = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    assert resident_together([nobody]) == 0
    assert resident_together([os.getpid(), nobody]) > 0
