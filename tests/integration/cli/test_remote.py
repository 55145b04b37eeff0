"""Commands for a node elsewhere do what they do on the node's own machine, from its address and its token."""

import json
import signal
import socket

import httpx
import pytest

from tests.fakes.loopback import Answer, Loopback
from tests.integration.api.asking import data, ended, finished, running, submit, task_of, total
from tests.integration.api.live_server import LiveServer, Terminal, imagegen
from tests.integration.cli.outcomes import failed, good
from tests.integration.cli.test_help import modules_of

TOKEN = "a-token-of-the-node-4711"
SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A node with a token."""
    server = LiveServer(tmp_path_factory.mktemp("node"), {"server": {"auth_token": TOKEN}}).start()
    yield server
    server.end()


@pytest.fixture
def api(node):
    """The node's API."""
    with node.client(Authorization=f"Bearer {TOKEN}") as client:
        yield client


@pytest.fixture
def elsewhere(tmp_path):
    """A machine whose settings cannot even be read; a file has the token."""
    (tmp_path / "config.yaml").write_text("server: {port: nonsense")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return tmp_path


@pytest.fixture
def run(node, elsewhere):
    """Return a function that runs a command for the node."""
    options = ("--server", node.url, "--token", "file:token")
    return lambda *args, **more: imagegen(*options, *args, cwd=elsewhere, **more)


def local_files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("config.yaml", "token"))


def test_an_image_is_made_there_and_written_here(run, elsewhere, api):
    """Nothing else is left on this machine."""
    output = good(run("generate", "一只远方的猫", *SMALL, "-o", "cat.png"))
    newest = data(api.get("/api/v1/images"))["items"][0]
    content = api.get(newest["image_url"]).content

    assert ("一只远方的猫", f"{elsewhere / 'cat.png'}\n") == (newest["prompt"], output)
    assert content == (elsewhere / "cat.png").read_bytes()
    assert ["cat.png"] == local_files(elsewhere)


def test_what_a_command_says_names_the_node(run, node):
    """Not a directory, which is on another machine."""
    output = good(run("generate", "a far boat", *SMALL))
    empty = run("images", "list", "--provider", "nobody")

    assert f"kept in {node.url}\n" in output
    assert good(run("usage", "--group-by", "provider")).startswith("demo\t")
    assert (0, f"no such images in {node.url}\n") == (empty.returncode, empty.stderr)
    assert str(node.folder) not in output + empty.stderr


def test_tasks_are_listed_shown_cancelled_and_retried(run, api):
    """As beside the node."""
    task_id = data(submit(api, "slow", delay_seconds=500))["task_id"]
    running(api, task_id)
    shown = json.loads(good(run("tasks", "show", task_id)))
    good(run("tasks", "cancel", task_id))
    ended(api, task_id)
    listed = json.loads(good(run("tasks", "list", "--json")))
    retried = good(run("tasks", "retry", task_id)).strip()
    prompt = task_of(api, retried)["prompt"]
    good(run("tasks", "cancel", retried))

    assert ("slow", "slow", True) == (shown["prompt"], prompt, task_id in [t["task_id"] for t in listed])


def test_images_are_searched_shown_exported_and_deleted(run, api, elsewhere):
    """The export is on this machine."""
    image_id = finished(api, "一座灯塔")["images"][0]["id"]
    matches = json.loads(good(run("images", "search", "燈塔", "--json")))
    shown = json.loads(good(run("images", "show", image_id)))
    good(run("images", "export", "out", "--search", "灯塔"))
    good(run("images", "delete", image_id, "--yes"))

    assert [image_id] == [image["id"] for image in matches] == [shown["id"]]
    assert {f"{image_id}.json", f"{image_id}.png"} == {file.name for file in (elsewhere / "out").iterdir()}
    assert 404 == api.get(f"/api/v1/images/{image_id}").status_code


def test_providers_are_set_listed_tested_and_removed(run, elsewhere):
    """Keys come from this machine's files and variables."""
    (elsewhere / "key").write_text("sk-of-this-machine-0815")
    good(run("providers", "set", "far", "--kind", "demo", "--api-key", "file:key"))
    listed = good(run("providers", "list"))
    tested = good(run("providers", "test", "far"))
    good(run("providers", "remove", "far", "--yes"))

    assert (True, True) == ("far\tdemo\ton\tsk-****0815" in listed, tested.startswith("far: "))


def test_the_stores_are_looked_after(run):
    """Where they are."""
    assert "0 failed" in good(run("storage", "sync"))
    assert "0 wrong" in good(run("storage", "verify"))
    assert "storage.oss: is not configured" in failed(run("storage", "expire"))
    assert "the search index is current" in good(run("reindex"))


@pytest.mark.parametrize(
    "args",
    [
        ("serve",),
        ("doctor",),
        ("backup", "all.tar"),
        ("restore", "token"),
        ("migrate", "--to", "postgresql://a@b/c"),
        ("keys", "rotate"),
        ("config", "check"),
        ("config", "show"),
    ],
)
def test_what_works_on_the_data_of_this_machine_is_refused(run, args, elsewhere):
    """As wrong usage, whether the option or the variable says so."""
    by_option = run(*args)
    by_variable = imagegen(*args, cwd=elsewhere, environ={"IMAGEGEN_SERVER": "http://127.0.0.1:1"})
    sentence = f"`imagegen {' '.join(args[: 2 if args[0] in ('keys', 'config') else 1])}` works on this"

    assert [(2, "", True)] * 2 == [
        (done.returncode, done.stdout, sentence in done.stderr) for done in (by_option, by_variable)
    ]


def test_the_environment_names_node_and_token(node, elsewhere):
    """An empty address means this machine after all."""
    environ = {"IMAGEGEN_SERVER": node.url, "IMAGEGEN_TOKEN": TOKEN}
    remote = imagegen("providers", "list", cwd=elsewhere, environ=environ)
    local = imagegen("--server", "", "providers", "list", cwd=elsewhere, environ=environ)

    assert (0, 2) == (remote.returncode, local.returncode)
    assert "configuration: " in local.stderr


def test_settings_and_commands_of_this_machine_ignore_both_variables(tmp_path):
    """They are no settings, misspelt or not; without an address, the token is for nobody."""
    environ = {"IMAGEGEN_TOKEN": TOKEN, "IMAGEGEN_SERVER": ""}

    assert "valid" in good(imagegen("config", "check", cwd=tmp_path, environ=environ))


@pytest.mark.parametrize("token", [(), ("--token", "a-wrong-one"), ("--token", "一把错的钥匙")])
def test_a_missing_or_wrong_token_is_refused(node, elsewhere, token):
    """In one line, without it."""
    line = failed(imagegen("--server", node.url, *token, "tasks", "list", cwd=elsewhere))

    assert "the token is missing or wrong; --token or IMAGEGEN_TOKEN" in line
    assert [] == [word for word in token[1:] if word in line]


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE"),
        ("file:not-there", "not-there"),
        (" ", "cannot be sent"),
        ("file:two-lines", "cannot be sent"),
    ],
)
def test_a_token_that_cannot_be_sent_is_told(node, elsewhere, token, message):
    """Before anything is."""
    (elsewhere / "two-lines").write_text("first\nX-Second: line\n")
    line = failed(imagegen("--server", node.url, "--token", token, "tasks", "list", cwd=elsewhere))

    assert (True, False) == (message in line, "X-Second" in line)


def test_a_token_is_read_from_stdin_before_the_commands_own_secrets(node, elsewhere):
    """In the order in which they are given."""
    args = ("--server", node.url, "--token", "-", "providers", "set", "typed", "--kind", "demo")
    good(imagegen(*args, "--api-key", "-", cwd=elsewhere, stdin=f"{TOKEN}\nsk-typed-second-9876\n"))
    listed = imagegen("--server", node.url, "--token", TOKEN, "providers", "list", cwd=elsewhere)

    assert "sk-****9876" in listed.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--token", TOKEN, "tasks", "list"), "--token is for --server"),
        (("tasks", "list", "--server", "http://127.0.0.1"), "--server stands before the command"),
        (("--server", "127.0.0.1:8080", "tasks", "list"), "--server takes http://HOST:PORT"),
    ],
)
def test_options_in_the_wrong_place_are_explained(elsewhere, args, message):
    """Wrong usage."""
    done = imagegen(*args, cwd=elsewhere)

    assert (2, True) == (done.returncode, message in done.stderr)


def test_a_response_that_is_lost_makes_no_second_task(node, elsewhere, api):
    """The same request is sent again, and the node knows its key."""
    before, forwarded = total(api), []

    def pass_on(request):
        response = httpx.request(
            request.method,
            f"{node.url}{request.path}",
            params=request.query,
            headers={
                name: value for name, value in request.headers.items() if name not in ("host", "connection")
            },
            content=request.body,
            trust_env=False,
        )
        forwarded.append(request.headers.get("idempotency-key"))
        headers = {"Content-Type": response.headers["Content-Type"]}
        fault = "drop" if len(forwarded) == 1 else None
        return Answer(status=response.status_code, body=response.content, headers=headers, fault=fault)

    with Loopback(pass_on) as way:
        args = ("--server", way.url, "--token", TOKEN, "generate", "once", *SMALL, "--json")
        task = json.loads(good(imagegen(*args, cwd=elsewhere)))

    assert ("completed", before + 1) == (task["status"], total(api))
    assert (1, True) == (len({*forwarded[:2]}), forwarded[0] is not None)


def test_an_interruption_names_the_task_that_goes_on(node, elsewhere, api):
    """With the command that shows it."""
    options = ("--server", node.url, "--token", TOKEN)
    terminal = Terminal.start(
        *options, "generate", "far away", "--param", "delay_seconds=500", cwd=elsewhere, columns=200
    )
    terminal.until("far away")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("imagegen: stopped")
    task = data(api.get("/api/v1/tasks", params={"status": "processing"}))["items"][0]
    api.post(f"/api/v1/tasks/{task['task_id']}/cancel")

    assert 1 == terminal.end()
    assert f"`imagegen --server {node.url} tasks show {task['task_id']}`" in terminal.shown
    assert TOKEN not in terminal.shown


def test_a_command_for_a_node_loads_neither_settings_nor_adapters(node, elsewhere):
    """It needs an HTTP client, and nothing of the service."""
    code, _, modules = modules_of("--server", node.url, "tasks", "list", cwd=elsewhere, IMAGEGEN_TOKEN=TOKEN)
    needless = {
        "cattrs",
        "yaml",
        "sqlite3",
        "msgspec",
        "litestar",
        "structlog",
        "rich",
        "imagegen_core.errors",
    }
    packages = ("imagegen_adapters", "imagegen_http.settings", "imagegen_http.service")

    assert (0, set()) == (code, needless & modules)
    assert [] == [name for name in modules if name.startswith(packages)]


def test_nobody_at_the_address_is_one_line(elsewhere):
    """At once: it may be wrong."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"

    assert f"imagegen: {url}: connection refused: nothing listens there" == failed(
        imagegen("--server", url, "generate", "x", cwd=elsewhere)
    )
