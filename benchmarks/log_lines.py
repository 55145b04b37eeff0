"""What one log line of a request costs: ``python benchmarks/log_lines.py 2>/dev/null``.

Microseconds of processor time, the best of five rounds, so that a busy machine changes little.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog

from imagegen_adapters.redactors.log_events import redact_event
from imagegen_adapters.redactors.patterns import PatternRedactor
from imagegen_http.composition import new_id
from imagegen_http.server.logs import set_up_logs
from imagegen_http.settings.schema import LogSettings

LINES = 5_000
SECRETS = 5


def main():
    redactor = PatternRedactor()
    for number in range(SECRETS):
        redactor.register(f"sk-secret-{number}-0123456789abcdef")
    set_up_logs(LogSettings(format="json"), redact_event(redactor))
    print(f"a line of the request log     {min(seconds() for _ in range(5)) * 1e6:6.1f} us")


def seconds():
    log = structlog.get_logger("imagegen.request")
    started = time.process_time()
    for number in range(LINES):
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=new_id())
        log.info(
            "request", method="GET", path=f"/api/v1/images/{number}/content", status=200, milliseconds=1.2
        )
    return (time.process_time() - started) / LINES


if __name__ == "__main__":
    main()
