"""How many images a second ``/v1/images/generations`` gives, beside LiteLLM's proxy, which stores nothing.

``--program`` is the ``litellm`` of another environment (``pip install 'litellm[proxy]'`` there). Both call
the same upstream, which answers at once with an image of 10 kB in base64, and are measured in turn by the
same callers, with one process each. LiteLLM has no database here, which is its fastest way, and passes the
image on; the service stores it, synced, decodes it and makes its thumbnail, before it answers.
"""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
from end_to_end import GENERATIONS, NUMBERED
from load import post
from reports import Report, add_load_options, option_parser
from stage import LOAD_COLUMNS, Cost, memory_mb, stage

COLUMNS = {
    "work": "work",
    "callers": "callers",
    **LOAD_COLUMNS,
    "ratio": "of LiteLLM's rate",
    "memory_mb": "MB after",
}
MODEL = "inline-small"


def measure(options):
    """Return the report of all rounds."""
    report = Report("litellm_proxy", COLUMNS)
    with stage(options.work_dir) as each, proxy(options, each.upstream.url) as (url, pid):
        ours = post(GENERATIONS, {"model": f"instant/{MODEL}", "prompt": NUMBERED})
        theirs = post(GENERATIONS, {"model": MODEL, "prompt": NUMBERED})
        for callers in options.callers * options.rounds:
            load = {"callers": callers, "seconds": options.seconds}
            limit = Cost.measured(url, pid, [theirs], **load)
            memory = memory_mb(pid)
            cost = Cost.measured(each.service.url, each.service.pid, [ours], **load)
            row = {**cost.row(), "ratio": cost.result.rate / limit.result.rate, "memory_mb": each.memory_mb()}
            report.add(work="imagegen, stored", callers=callers, **row)
            report.add(work="LiteLLM's proxy", callers=callers, **limit.row(), memory_mb=memory)
    return report


@contextlib.contextmanager
def proxy(options, upstream):
    """Start LiteLLM's proxy; yield its URL and its process id."""
    parameters = {"model": f"openai/{MODEL}", "api_base": f"{upstream}/v1", "api_key": "none"}
    settings = {
        "model_list": [{"model_name": MODEL, "litellm_params": parameters}],
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
    }
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=options.work_dir) as name:
        folder = Path(name)
        config = folder / "config.yaml"
        config.write_text(json.dumps(settings))  # JSON is YAML
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
        command = [options.program, "--config", config, "--host", "127.0.0.1", "--port", str(port)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--telemetry", "False"],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
            )
            try:
                url = f"http://127.0.0.1:{port}"
                await_proxy(process, url, folder / "log")
                yield url, process.pid
            finally:
                process.terminate()
                process.wait()


def await_proxy(process, url, log):
    """Wait until LiteLLM answers."""
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"litellm ended:\n{log.read_text('utf-8', 'replace')[-3000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/liveliness", trust_env=False, timeout=5).is_success:
                return
        time.sleep(0.1)
    raise SystemExit("litellm did not answer within a minute")


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[10, 100])
    parser.add_argument("--program", required=True, help="bin/litellm of another environment")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
