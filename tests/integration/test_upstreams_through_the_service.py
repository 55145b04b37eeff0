"""Every kind of provider behind the running service: what a caller sees, what would have been charged."""

import io
from contextlib import closing, contextmanager

import attrs
import httpx
import pytest
from PIL import Image

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes import gemini
from tests.fakes.forward_proxy import ForwardProxy
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    SMALL,
    TASKS,
    WAIT,
    data,
    data_url,
    ended,
    fields,
    make_image,
    row,
    total,
    until,
)
from tests.integration.api.live_server import LiveServer
from tests.integration.upstream_bench import OverHttpServer, upstreams
from tests.live_files import contents

pytestmark = pytest.mark.one_python

REFUSING = "127.0.0.1:9"
"""An allow-listed address where nothing listens."""

NAMES = (
    *("gemini", "gemini-vertex", "stable-diffusion", "stability"),
    *("openai", "dashscope", "minimax", "replicate", "fal", "own"),
)
PATHS = {
    "generate": GENERATE,
    "reference": "/api/v1/images/generate-with-references",
    "edit": "/api/v1/images/edit",
    "upscale": "/api/v1/images/upscale",
    "recontext": "/api/v1/images/recontext",
    "segment": "/api/v1/images/segment",
}
SIZE = (SMALL["width"], SMALL["height"])
IMAGE = data_url(png(1, SIZE))
WRONG_KEY = "wrong:0123456789-wrong-key"


@attrs.define
class Bench:
    """The service, the providers behind it, and every answer that it gave."""

    server: LiveServer
    upstreams: dict
    texts: list = attrs.field(factory=list)

    @contextmanager
    def client(self):
        with self.server.client() as api:
            api.event_hooks["response"].append(self._remember)
            yield api

    def _remember(self, response):
        response.read()
        self.texts.append(response.text)


def serving(folder, upstreams):
    return LiveServer(folder, {"security": {"allow_private_upstreams": [*upstreams, REFUSING]}})


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with upstreams() as started:
        server = serving(tmp_path_factory.mktemp("service"), [v.authority for v in started.values()]).start()
        try:
            yield Bench(server, started)
        finally:
            server.end()


@pytest.fixture(scope="module")
def api(bench):
    with bench.client() as client:
        for upstream in bench.upstreams.values():
            data(client.post(CONFIG, json=upstream.config))
        yield client


@pytest.fixture(scope="module")
def stored_image(api):
    """An image that the service holds, as an input."""
    return f"image:{make_image(api)['id']}"


def body_for(upstream, operation="generate", prompt="a lighthouse", image=IMAGE, **more):
    """Return the body of an operation, with the model that does it."""
    body = {"provider": upstream.name, "model_id": upstream.operations[operation], **more}
    if operation == "generate":
        return {**body, "params": {"prompt": prompt, **more.get("params", {})}}
    if operation == "reference":
        return {**body, "prompt": prompt, "reference_images": [image]}
    if operation == "edit":
        return {**body, "prompt": prompt, "image": image, "mask": data_url(encoded("PNG", "L"))}
    if operation == "segment":
        return {**body, "image": image}
    return {**body, "image": image, **({} if operation == "upscale" else {"prompt": prompt})}


def encoded(kind, mode="RGB"):
    """Return a white image of the common size."""
    out = io.BytesIO()
    Image.new(mode, SIZE, "white").save(out, kind)
    return out.getvalue()


def submit(api, body, operation="generate"):
    return data(api.post(PATHS[operation], json=body))["task_id"]


def outcomes(api, bodies):
    """Submit bodies of generate at once; return the ended tasks under the same names."""
    ids = {name: submit(api, body) for name, body in bodies.items()}
    return {name: ended(api, task_id) for name, task_id in ids.items()}


@contextmanager
def charging(bench, names=NAMES):
    """Yield a dict that says afterwards how many calls each provider charged for."""
    before = {name: len(bench.upstreams[name].faults.ledger) for name in names}
    charges = {}
    yield charges
    charges |= {name: len(bench.upstreams[name].faults.ledger) - before[name] for name in names}


def fault(bench, kind, names=NAMES):
    for name in names:
        getattr(bench.upstreams[name].faults, kind)()


def errors(tasks):
    return {name: task["error"] and task["error"]["code"] for name, task in tasks.items()}


def same(value, names=NAMES):
    return dict.fromkeys(names, value)


class TestWorking:
    """What each provider can do."""

    def test_a_saved_configuration_shows_its_key_masked(self, bench, api):
        """Its models and what they can do are there; its key is not."""
        configs = {name: data(api.get(f"{CONFIG}/{name}")) for name in NAMES}

        assert {name: (True, "****", upstream.key[-4:]) for name, upstream in bench.upstreams.items()} == {
            name: (config["has_api_key"], config["api_key"][-8:-4], config["api_key"][-4:])
            for name, config in configs.items()
        }
        assert all(model["capabilities"] for config in configs.values() for model in config["models"])

    def test_each_can_be_tried_without_paying(self, bench, api):
        """The cheap call goes through, or the provider is said to have none."""
        with charging(bench) as charges:
            probes = {name: data(api.post(f"{CONFIG}/{name}/test")) for name in NAMES}

        assert same(True) == {name: probe["ok"] for name, probe in probes.items()}, probes
        assert same(0) == charges

    def test_a_caller_may_wait_for_the_image(self, bench, api):
        """``Prefer: wait`` answers 200 with the finished task; its image can be read."""
        name = "openai"
        answer = api.post(GENERATE, json=body_for(bench.upstreams[name]), headers=WAIT)
        task = data(answer)

        content = api.get(task["image_url"])
        assert (200, "completed", 1) == (answer.status_code, task["status"], task["attempts"])
        assert (200, "image/png") == (content.status_code, content.headers["content-type"])

    def test_each_operation_takes_data_urls_and_stored_images(self, bench, api, stored_image):
        """All that a provider can do, with its own fake checking what arrives; one charge each."""
        cases = {
            (upstream.name, operation, image[:5]): (operation, body_for(upstream, operation, image=image))
            for upstream in bench.upstreams.values()
            for operation in upstream.operations
            for image in ((IMAGE,) if operation == "generate" else (IMAGE, stored_image))
        }
        with charging(bench) as charges:
            ids = {case: submit(api, body, operation) for case, (operation, body) in cases.items()}
            tasks = {case: ended(api, task_id) for case, task_id in ids.items()}

        assert dict.fromkeys(cases, ("completed", 1)) == {
            case: (task["status"], len(task["images"])) for case, task in tasks.items()
        }, [task["error"] for task in tasks.values() if task["error"]]
        assert charges == {name: sum(case[0] == name for case in cases) for name in NAMES}

    def test_two_images_are_two_images(self, bench, api):
        """By the provider's own count or by several calls."""
        bodies = {name: body_for(v, params={"num": 2}) for name, v in bench.upstreams.items()}
        with charging(bench) as charges:
            tasks = outcomes(api, bodies)

        assert same(("completed", 2)) == {n: (t["status"], len(t["images"])) for n, t in tasks.items()}
        assert charges == {name: upstream.calls_for_two for name, upstream in bench.upstreams.items()}


class TestFailing:
    """What becomes of a task, and how often a provider was asked to work."""

    def test_a_refused_prompt(self, bench, api):
        """``content_policy``; nothing is tried again."""
        bodies = {
            name: body_for(upstream, prompt=upstream.refuses)
            for name, upstream in bench.upstreams.items()
            if upstream.refuses is not None
        }
        tasks = outcomes(api, bodies)

        assert same("content_policy", bodies) == errors(tasks)
        assert same(1, bodies) == {name: task["attempts"] for name, task in tasks.items()}

    def test_a_wrong_key(self, bench, api):
        """``auth_failed``; the key is not repeated, whatever the provider echoes."""
        bodies = {name: body_for(v, config={"api_key": WRONG_KEY}) for name, v in bench.upstreams.items()}
        with charging(bench) as charges:
            tasks = outcomes(api, bodies)

        assert same("auth_failed") == errors(tasks)
        assert same(False) == {name: task["error"]["possible_charge"] for name, task in tasks.items()}
        assert same(0) == charges

    def test_a_rate_limit_is_waited_out(self, bench, api):
        """A 429 with Retry-After is no attempt; the image comes, charged for once."""
        fault(bench, "limit")
        with charging(bench) as charges:
            tasks = outcomes(api, {name: body_for(v) for name, v in bench.upstreams.items()})

        assert same(("completed", 1)) == {n: (t["status"], t["attempts"]) for n, t in tasks.items()}
        assert same(1) == charges

    def test_a_refused_connection_is_tried_again(self, bench, api):
        """Once, as ``max_retries`` says; then ``unavailable``, and nothing was charged."""
        elsewhere = {"api_base": f"http://{REFUSING}", "max_retries": 1}
        bodies = {
            name: body_for(v, config={**elsewhere, "api_key": v.key}) for name, v in bench.upstreams.items()
        }
        tasks = outcomes(api, bodies)

        assert same(("unavailable", 2, False)) == {
            name: (task["error"]["code"], task["attempts"], task["error"]["possible_charge"])
            for name, task in tasks.items()
        }

    def test_an_answer_lost_behind_a_500_is_never_asked_for_again(self, bench, api):
        """``outcome_unknown``: the provider charged once, and only once."""
        fault(bench, "lose")
        with charging(bench) as charges:
            tasks = outcomes(api, {name: body_for(v) for name, v in bench.upstreams.items()})

        assert same(("outcome_unknown", 1, True)) == {
            name: (task["error"]["code"], task["attempts"], task["error"]["possible_charge"])
            for name, task in tasks.items()
        }
        assert same(1) == charges

    def test_an_upstream_that_does_not_answer_in_time(self, bench, api):
        """``timeout``, after the task's own time, charged once.

        That time is long enough for the call to leave a busy machine.
        """
        fault(bench, "be_silent")
        bodies = {name: body_for(v, config={"timeout": 5}) for name, v in bench.upstreams.items()}
        with charging(bench) as charges:
            tasks = outcomes(api, bodies)

        assert same(("timeout", 1, True)) == {
            name: (task["error"]["code"], task["attempts"], task["error"]["possible_charge"])
            for name, task in tasks.items()
        }
        assert same(1) == charges

    def test_a_page_in_the_place_of_an_image(self, bench, api):
        """``invalid_image``, whatever type it claims; nothing of it is kept."""
        before = total(api, "/api/v1/images")
        fault(bench, "send_page")
        tasks = outcomes(api, {name: body_for(v) for name, v in bench.upstreams.items()})

        assert same(("invalid_image", True)) == {
            name: (task["error"]["code"], task["error"]["possible_charge"]) for name, task in tasks.items()
        }
        assert before == total(api, "/api/v1/images")


class TestRefusing:
    """What is turned down before anything is stored."""

    @pytest.mark.parametrize(
        ("name", "operation", "changes", "named"),
        [
            ("openai", "generate", {"params": {"prompt": "x", "size": "huge"}}, ["params.size"]),
            (
                "openai",
                "generate",
                {"params": {"prompt": "x", "width": 64, "height": 3000}},
                ["params.height", "params.width"],
            ),
            ("gemini", "generate", {"params": {"prompt": "x", "size": "huge"}}, ["params.size"]),
            ("stability", "edit", {"mask": None}, ["params.search_prompt"]),
            (
                "stable-diffusion",
                "generate",
                {"params": {"prompt": "x", "script_name": "y"}},
                ["params.script_name"],
            ),
        ],
    )
    def test_what_an_upstream_would_refuse_is_40000_and_nothing_is_stored(
        self, bench, api, name, operation, changes, named
    ):
        """No task, no file, no call; the fields are the caller's."""
        before = total(api), sorted((bench.server.data_dir / "spool").rglob("*"))
        request_count = len(bench.upstreams[name].faults.heads)
        answer = api.post(PATHS[operation], json={**body_for(bench.upstreams[name], operation), **changes})

        assert named == fields(answer)
        assert before == (total(api), sorted((bench.server.data_dir / "spool").rglob("*")))
        assert request_count == len(bench.upstreams[name].faults.heads)

    def test_a_type_that_a_document_does_not_take_is_40000(self, bench, api):
        """``limits.ref_mimes`` of the document, with the image's field."""
        body = body_for(bench.upstreams["own"], "reference", image=data_url(encoded("JPEG")))

        assert ["reference_images.0"] == fields(api.post(PATHS["reference"], json=body))

    def test_another_origin_without_its_key_is_40007(self, bench, api):
        """A saved key goes nowhere but where it was saved for."""
        upstream = bench.upstreams["openai"]
        other = bench.upstreams["own"].url
        before = len(bench.upstreams["own"].faults.heads)
        answer = api.post(GENERATE, json=body_for(upstream, config={"api_base": other}))

        assert (400, 40007, "api_key_required") == row(answer)
        assert before == len(bench.upstreams["own"].faults.heads)


class TestRetired:
    """Models that a provider no longer serves."""

    @pytest.mark.parametrize(
        ("name", "model", "replacement"),
        [
            ("openai", "gpt-image-1", "gpt-image-2"),
            ("gemini", "gemini-2.5-flash-image", "gemini-nano-banana-2.1"),
        ],
    )
    def test_is_saved_with_a_warning_and_its_failure_names_the_successor(
        self, bench, api, name, model, replacement
    ):
        """The caller reads it on saving, and again in the task."""
        upstream = bench.upstreams[name]
        saved = data(
            api.post(CONFIG, json={**upstream.config, "provider_name": "retired", "models": [{"id": model}]})
        )
        upstream.faults.not_found()
        task = data(api.post(GENERATE, json={"provider": "retired", "params": {"prompt": "x"}}, headers=WAIT))
        api.delete(f"{CONFIG}/retired")

        assert "rejected" == task["error"]["code"]
        assert all(
            model in text and replacement in text
            for text in (*saved["warnings"], *task["warnings"], task["error"]["message"])
        )
        assert (1, 1) == (len(saved["warnings"]), len(task["warnings"]))


def test_the_operators_headers_reach_every_upstream(bench, api):
    """With each call of the API, and with no download."""
    outcomes(api, {name: body_for(upstream) for name, upstream in bench.upstreams.items()})
    calls = {
        name: {
            headers.get("x-team")
            for path, headers in upstream.faults.heads
            if not path.startswith("/files/") and WRONG_KEY not in str(headers)
        }
        for name, upstream in bench.upstreams.items()
    }
    downloads = {
        headers.get("x-team")
        for upstream in bench.upstreams.values()
        if isinstance(upstream.faults, OverHttpServer)
        for path, headers in upstream.faults.heads
        if path.startswith("/files/")
    }

    assert same({"blue"}) == calls
    assert {None} == downloads


class TestProxy:
    """``extra_config.proxy``."""

    def test_is_what_calls_and_downloads_go_through(self, bench, proxied):
        """Each provider is reached through it only."""
        api, proxy = proxied
        for upstream in bench.upstreams.values():
            extra = {**upstream.config["extra_config"], "proxy": f"http://me:password@{proxy.authority}"}
            data(api.post(CONFIG, json={**upstream.config, "extra_config": extra}))
        before = {name: len(upstream.faults.heads) for name, upstream in bench.upstreams.items()}
        tasks = outcomes(api, {name: body_for(v) for name, v in bench.upstreams.items()})

        assert same(("completed", None)) == {n: (t["status"], t["error"]) for n, t in tasks.items()}
        assert {name: len(v.faults.heads) - before[name] for name, v in bench.upstreams.items()} == {
            name: sum(v.authority in line for line in proxy.request_lines)
            for name, v in bench.upstreams.items()
        }
        assert all("proxy-authorization: basic" in head for head in proxy.heads)

    def test_tunnels_tls(self, bench, proxied):
        """An https provider is asked for by CONNECT; what is no TLS behind it is never sent a request.

        The handshake ends after half of the task's time; the other half is a busy machine's.
        """
        api, proxy = proxied
        upstream = bench.upstreams["openai"]
        data(
            api.post(
                CONFIG,
                json={
                    **upstream.config,
                    "api_base": f"https://{upstream.authority}/v1",
                    "max_retries": 0,
                    "timeout_seconds": 10,
                    "extra_config": {"preset": "openai", "proxy": f"http://{proxy.authority}"},
                },
            )
        )
        task = ended(api, submit(api, body_for(upstream)))

        assert ("unavailable", f"CONNECT {upstream.authority}") == (
            task["error"]["code"],
            proxy.request_lines[-1],
        )

    def test_that_is_private_and_not_listed_is_not_used(self, bench, api):
        """Its address is judged like any other; nothing is sent, here or there."""
        upstream = bench.upstreams["openai"]
        with in_thread(ForwardProxy()) as proxy:
            extra = {"preset": "openai", "proxy": f"http://{proxy.authority}"}
            config = {**upstream.config, "provider_name": "behind", "extra_config": extra}
            answer = api.post(CONFIG, json=config)
            if answer.status_code == 200:
                task = data(
                    api.post(GENERATE, json={**body_for(upstream), "provider": "behind"}, headers=WAIT)
                )
                assert "provider_not_configured" == task["error"]["code"]
                assert "不允许访问该地址" in task["error"]["message"]
            api.delete(f"{CONFIG}/behind")

            assert [] == proxy.request_lines


@pytest.fixture(scope="module")
def proxied(bench, tmp_path_factory):
    """A service of its own, which may use a proxy on this machine."""
    with in_thread(ForwardProxy()) as proxy:
        upstreams = [proxy.authority, *(v.authority for v in bench.upstreams.values())]
        server = serving(tmp_path_factory.mktemp("proxied"), upstreams).start()
        try:
            with server.client() as client:
                yield client, proxy
        finally:
            server.end()


def test_a_configuration_for_one_task_is_used_once_and_wiped(bench, tmp_path):
    """It is sealed while the task waits, and gone from every file when the task has ended."""
    upstream = bench.upstreams["fal"]
    server = serving(tmp_path, [upstream.authority]).start()
    try:
        with server.client() as api:
            data(api.post(CONFIG, json={**upstream.config, "api_key": "sk-saved-and-useless"}))
            task_id = submit(api, body_for(upstream, config={"api_key": upstream.key}))
            sealed = until(lambda: sealed_override(server, task_id), lambda token: token is not None)
            is_stored = sealed.encode() in database_bytes(server)
            task = ended(api, task_id)
            after = sealed_override(server, task_id)
            again = ended(api, submit(api, body_for(upstream)))
        server.stop()
        remains = database_bytes(server)
    finally:
        server.end()

    assert ("completed", "request", "auth_failed") == (
        task["status"],
        task["config_snapshot"]["source"],
        again["error"]["code"],
    )
    assert (True, None) == (is_stored, after)
    assert [] == [text for text in (sealed, upstream.key, "sk-saved-and-useless") if text.encode() in remains]


def sealed_override(server, task_id):
    path = f"file:{server.data_dir / 'imagegen.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as database:
        columns = database.execute("SELECT override FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
    return columns[0]


def database_bytes(server):
    return b"".join(path.read_bytes() for path in sorted(server.data_dir.glob("imagegen.db*")))


def test_no_key_is_anywhere(bench, api):
    """Not in an answer of the service, not in its log, not in its files; run last."""
    api.get(f"{TASKS}?page_size=100")
    api.get(CONFIG)
    secrets = {WRONG_KEY, *(upstream.key for upstream in bench.upstreams.values())}
    files = {
        path: content
        for path, content in contents(bench.server.data_dir).items()
        if path.name != "master.key"
    }

    assert [] == [secret for secret in secrets for text in bench.texts if secret in text]
    assert [] == [secret for secret in secrets if secret in bench.server.log]
    assert [] == [path for secret in secrets for path, content in files.items() if secret.encode() in content]
    assert httpx.get(f"{bench.server.url}/health", trust_env=False).json()["status"] == "ok"
    assert gemini.KEY in secrets
