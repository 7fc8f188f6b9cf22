"""Spans are made by the SDK of OpenTelemetry where they are collected; elsewhere it is not even loaded."""

import subprocess
import sys

import pytest

CONFIGURED = """
import sys
from opentelemetry import trace
from chassis import service, telemetry
telemetry.configure("test", sys.argv[1] or None)
print("opentelemetry.sdk" in sys.modules, telemetry.tracer("test").start_span("one").is_recording())
"""


@pytest.mark.parametrize(("endpoint", "made"), [("", False), ("http://127.0.0.1:9", True)])
def test_spans_are_made_where_they_are_collected(endpoint: str, made: bool):
    told = subprocess.run(
        [sys.executable, "-c", CONFIGURED, endpoint], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(made), str(made)], told
