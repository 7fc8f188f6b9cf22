import json
import logging

import pytest

from chassis import telemetry
from chassis.logs import JsonLines, correlation_id
from chassis.telemetry import continued, current_traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_line_names_its_request_its_trace_and_its_error(caplog: pytest.LogCaptureFixture):
    telemetry.configure("test", endpoint=None)
    correlation_id.set("request-1")
    logger = logging.getLogger("some.part")
    with continued(f"00-{TRACE}-b7ad6b7169203331-01", "work"):
        assert str(current_traceparent()).split("-")[1] == TRACE
        try:
            raise ValueError("wrong")
        except ValueError:
            logger.exception("it went %s", "badly", extra={"job_id": "7"})
        line = json.loads(JsonLines("credits").format(caplog.records[0]))
    assert line["message"] == "it went badly"
    assert (line["service"], line["level"], line["logger"]) == ("credits", "ERROR", "some.part")
    assert (line["correlation_id"], line["trace_id"], line["job_id"]) == ("request-1", TRACE, "7")
    assert "ValueError: wrong" in line["error"]
