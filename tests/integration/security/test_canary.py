"""A key used with every kind of provider, all of which echo it, appears nowhere afterwards."""

from collections import Counter
from contextlib import contextmanager

import attrs
import pytest

from tests.fakes.echo import DOCUMENT, JOB, Echo
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import CONFIG, GENERATE, TASKS, data, ended
from tests.integration.api.live_server import LiveServer
from tests.integration.security.searching import canary, files_below, leaks, needles

pytestmark = pytest.mark.one_python

COMMON = ("bad", "bad401", "bad402", "bad429", "bad500", "plain", "garbage", "named", "page", "good")
CUTS = ("cut", "cut11", "cut23", "cut37", "cut49")
AWAY = ("away", "away307", "away401")
LINKED = ("linked0", "linked1", "linked2")


def http(auth, **operation):
    """Return the settings of a provider that a document describes."""
    generate = {**DOCUMENT["operations"]["generate"], **operation}
    return {"spec": {**DOCUMENT, "auth": auth, "operations": {"generate": generate}}}


KINDS = {
    "bearer": ("http", http({"type": "bearer"}), "sk-", LINKED),
    "query": ("http", http({"type": "query", "param": "key"}), "sk-", LINKED),
    "header": ("http", http({"type": "header", "header": "X-Own-Key"}), "sk-", LINKED),
    "basic": ("http", http({"type": "basic"}), "user:", LINKED),
    "job": ("http", http({"type": "bearer"}, **JOB), "sk-", ("begun0", "begun1")),
    "a1111": ("stable_diffusion", {"dialect": "a1111"}, "user:", ()),
    "stability": ("stable_diffusion", {"dialect": "stability"}, "sk-", ()),
    "comfyui": ("comfyui", {}, "sk-", ()),
    "gemini": ("gemini", {}, "AIza", ()),
    "vertex": ("gemini", {"backend": "vertex"}, "AQ.", ()),
}
SOURCES = ("saved", "file", "task")


def key_of(kind, source):
    number = list(KINDS).index(kind) * len(SOURCES) + SOURCES.index(source)
    return canary(number, KINDS[kind][2])


def token_of(kind):
    """Return the value of a saved secret header."""
    return canary(1000 + list(KINDS).index(kind), "token-")


KEYS = [key_of(kind, source) for kind in KINDS for source in SOURCES]
TOKENS = [token_of(kind) for kind in KINDS]
SECRETS = [*KEYS, *TOKENS]


@attrs.define
class Bench:
    """The service, its outputs, and its directory of temporary files."""

    server: LiveServer
    upstream: HttpServer
    temporary: object
    outputs: dict = attrs.field(factory=dict)

    @contextmanager
    def client(self):
        with self.server.client() as api:
            api.event_hooks["response"].append(self._remember)
            yield api

    def _remember(self, response):
        response.read()
        text = str(response.headers).encode() + response.content
        self.outputs[f"{len(self.outputs)} {response.request.method} {response.url}"] = text

    def run(self, *args):
        """Run a command and record its output."""
        ended = self.server.imagegen(*args)
        self.outputs[f"imagegen {' '.join(map(str, args))}"] = f"{ended.stdout}{ended.stderr}".encode()
        return ended


def settings(kind, name, url):
    """Return a provider's configuration without its key."""
    how, extra, _, _ = KINDS[kind]
    models = {"models": [{"id": "imagen-4.0-generate-001"}]} if kind == "vertex" else {}
    token = {"X-Own-Token": token_of(kind)} if name == "saved" else {}
    return {
        "kind": how,
        "api_base": url,
        "timeout_seconds": 120,
        "max_retries": 0,
        "extra_config": {**extra, "headers": {"X-Team": name, **token}},
        **models,
    }


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A service with providers of every kind, saved and in the file, each with its own keys."""
    folder = tmp_path_factory.mktemp("canary")
    temporary = folder / "tmp"
    temporary.mkdir()
    with in_thread(HttpServer(Echo())) as upstream:
        config = {
            "log": {"level": "debug"},
            "security": {"allow_private_upstreams": [f"127.0.0.1:{upstream.port}"]},
            "providers": {
                f"{kind}-file": {
                    **settings(kind, "file", upstream.url),
                    "api_key": f"env:KEY_{kind.upper()}",
                }
                for kind in KINDS
            },
        }
        environ = {f"KEY_{kind.upper()}": key_of(kind, "file") for kind in KINDS}
        environ["TMPDIR"] = str(temporary)
        server = LiveServer(folder, config, environ).start()
        try:
            yield Bench(server, upstream, temporary)
        finally:
            server.end()


@pytest.fixture(scope="module")
def tasks(bench):
    """Everything was used in every way; returns the finished tasks by (kind, source, echo)."""
    with bench.client() as api:
        for kind in KINDS:
            body = {**settings(kind, "saved", bench.upstream.url), "api_key": key_of(kind, "saved")}
            data(api.post(CONFIG, json={"provider_name": f"{kind}-saved", **body}))
            api.post(f"{CONFIG}/{kind}-saved/test")
            api.post(f"{CONFIG}/{kind}-file/test")
        ids = {
            case: data(api.post(GENERATE, json=body_of(*case)))["task_id"]
            for case in ((k, s, w) for k in KINDS for s in SOURCES for w in words(k))
        }
        return {case: ended(api, task_id) for case, task_id in ids.items()}


def words(kind):
    own = KINDS[kind][3]
    return own if kind == "job" else (*COMMON, *CUTS, *AWAY, *own)


def body_of(kind, source, word):
    override = {"config": {"api_key": key_of(kind, "task")}} if source == "task" else {}
    provider = f"{kind}-{'file' if source == 'file' else 'saved'}"
    return {"provider": provider, "params": {"prompt": f"echo-{word} 一只猫"}, **override}


def test_the_search_finds_each_piece_of_a_key_in_each_encoding():
    """Whichever of them a text has, it is a leak of that key and of no other."""
    reports = [[leak[:3] for leak in leaks(SECRETS, {"text": b"<" + n + b">"})] for n in needles(KEYS[7])]

    assert [[(KEYS[7], "text", needle)] for needle in needles(KEYS[7])] == reports


@pytest.mark.timeout(600)
class TestNoKeyIsAnywhere:
    """The tests share one service; their order does not matter."""

    def test_each_key_was_sent_and_each_task_ended_as_expected(self, bench, tasks):
        """Without this the searches below would prove nothing."""
        failed = {(k, s, t["error"]["code"]) for (k, s, w), t in tasks.items() if w == "bad401"}
        good = Counter(t["status"] for (_, _, w), t in tasks.items() if w in ("good", "linked0", "begun0"))

        assert (set(KEYS), set(TOKENS)) == (set(bench.upstream.fake.keys), bench.upstream.fake.tokens)
        assert {(k, s, "auth_failed") for k in KINDS if k != "job" for s in SOURCES} == failed
        assert {"completed": sum(good.values())} == good, [
            t["error"] for (_, _, w), t in tasks.items() if w in ("good", "linked0", "begun0") and t["error"]
        ]
        assert [] == bench.upstream.complaints

    def test_in_no_answer_and_no_output_of_a_command(self, bench, tasks, tmp_path):
        """Tasks, images, events, configurations, health, the document, errors."""
        some = [task["task_id"] for (kind, _, _), task in tasks.items() if kind in ("query", "gemini", "job")]
        with bench.client() as api:
            for path in (TASKS, "/api/v1/images", CONFIG, "/api/v1/providers", "/health", "/openapi.json"):
                api.get(path, params={"page_size": 100} if path.startswith("/api") else None)
            for task_id in some:
                api.get(f"{TASKS}/{task_id}")
                api.get(f"{TASKS}/{task_id}", headers={"Accept-Language": "en"})
                api.get(f"{TASKS}/{task_id}/events")
            api.get("/api/v1/images/search", params={"keyword": "猫", "page_size": 100})
            for kind in KINDS:
                api.get(f"{CONFIG}/{kind}-saved")
                api.post(CONFIG, json={"provider_name": f"{kind}-saved", "api_base": "http://203.0.113.1/"})
        for command in (
            ("providers", "list"),
            ("providers", "test", "query-saved"),
            ("providers", "test", "basic-file"),
            ("tasks", "list"),
            ("tasks", "show", some[0]),
            ("images", "list"),
            ("images", "search", "猫"),
            ("images", "export", tmp_path / "export"),
            ("config", "check"),
            ("config", "show"),
            ("generate", "echo-bad", "--provider", "query-file"),
            ("doctor",),
        ):
            bench.run(*command)

        assert [] == leaks(SECRETS, bench.outputs)
        assert [] == leaks(SECRETS, files_below(tmp_path))

    def test_in_no_file_while_it_runs(self, bench, tasks):
        """Database, write-ahead log, free pages, spool, images, temporary files, the log at level debug.

        While a job runs, its poll URL is needed, and the write-ahead log keeps it for a while: those keys
        are searched for after the service has stopped.
        """
        jobs = {key_of("job", source) for source in SOURCES}

        assert [] == leaks(SECRETS, {"log": bench.server.log.encode()})
        assert [] == leaks(set(SECRETS) - jobs, files_below(bench.server.data_dir, bench.temporary))

    def test_in_no_backup(self, bench, tasks, tmp_path):
        """A backup leaves the machine; nothing in it is compressed."""
        backup = tmp_path / "backup"
        ended = bench.run("backup", backup)

        assert (0, True) == (ended.returncode, b"SQLite format 3" in backup.read_bytes()), ended.stderr
        assert [] == leaks(SECRETS, {"backup": backup.read_bytes()})

    def test_in_no_file_after_it_stopped(self, bench, tasks):
        """Nothing is written at shutdown; the log has one entry a line to its end."""
        bench.server.stop()

        assert [] == leaks(SECRETS, {"log": bench.server.log.encode()})
        assert [] == leaks(SECRETS, files_below(bench.server.data_dir, bench.temporary))
