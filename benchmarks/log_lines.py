"""What one log line of a request costs: ``python benchmarks/log_lines.py 2>/dev/null``.

Microseconds of processor time, the best of five rounds, so that a busy machine changes little. The limit is
a line of the same size that is written as it is.
"""

import sys
import time

import structlog
from reports import Report, option_parser

from imagegen_core.secrets import Redactor
from imagegen_http.guard import asgi
from imagegen_http.server.logs import set_up_logs
from imagegen_http.service import new_id
from imagegen_http.settings.schema import LogSettings

ROUNDS = 5
SECRETS = 5


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--number", type=int, default=5_000, help="lines of a round")
    options = parser.parse_args()
    redactor = Redactor()
    for number in range(SECRETS):
        redactor.register(f"sk-secret-{number}-0123456789abcdef")
    set_up_logs(LogSettings(format="json"), redactor.redact_event)
    report = Report("log_lines", {"work": "line", "processor_us": "processor µs"})
    for title, write in (("of the request log", log_lines), ("a constant", constant_lines)):
        best = min(write(options.number) for _ in range(ROUNDS))
        report.add(work=title, processor_us=best * 1e6)
    report.publish(options.json)


def constant_lines(number):
    """Return the seconds of a line that is only written."""
    line = "x" * 200 + "\n"
    started = time.process_time()
    for _ in range(number):
        sys.stderr.write(line)
    return (time.process_time() - started) / number


def log_lines(number):
    """Return the seconds of a line of the request log."""
    log = structlog.get_logger("imagegen.request")
    started = time.process_time()
    for at in range(number):
        asgi.request_id.set(new_id())
        log.info("request", method="GET", path=f"/api/v1/images/{at}/content", status=200, milliseconds=1.2)
    return (time.process_time() - started) / number


if __name__ == "__main__":
    main()
