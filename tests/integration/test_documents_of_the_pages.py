"""The documents of the pages about providers behind the service, against providers that check each call."""

import re
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.exchanged_keys import CLIENT_SECRET, KEY, TOKEN_END, ExchangedKeys, document
from tests.fakes.http_server import HttpServer
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.fakes.signed_upstreams import FakeAzure, FakeBedrock, FakeVolcengine
from tests.integration.api.asking import CONFIG, GENERATE, TASKS, WAIT, data, data_url, row
from tests.integration.api.live_server import LiveServer
from tests.integration.security.searching import needles

pytestmark = pytest.mark.one_python

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
_PAGES = "".join(
    HOW_TO.joinpath(f"{name}.md").read_text("utf-8") for name in ("sign-requests", "add-a-provider")
)
_BLOCKS = [text for text in re.findall(r"```yaml\n(.*?)```", _PAGES, re.DOTALL) if "…" not in text]
DOCUMENTS = {block["id"]: block for block in map(yaml.safe_load, _BLOCKS) if "schema" in block}
FAKES = {"bedrock": FakeBedrock, "volcengine-visual": FakeVolcengine, "azure-openai": FakeAzure}
SIGNED = ("bedrock", "volcengine-visual")


@pytest.fixture(scope="module")
def upstreams():
    with ExitStack() as stack:
        servers = {name: stack.enter_context(in_thread(HttpServer(fake()))) for name, fake in FAKES.items()}
        yield servers
    assert [] == [complaint for server in servers.values() for complaint in server.complaints]


@pytest.fixture(scope="module")
def exchanged():
    """A provider that wants access tokens: its state, and servers of its login, its API and a stranger."""
    keys = ExchangedKeys()
    with (
        in_thread(HttpServer(keys.login)) as login,
        in_thread(HttpServer(keys.api)) as api,
        in_thread(HttpServer(keys.login)) as stranger,
    ):
        yield keys, login, api, stranger
    assert [] == [*login.complaints, *api.complaints, *stranger.requests]


@pytest.fixture(scope="module")
def server(upstreams, exchanged, tmp_path_factory):
    allowed = [f"127.0.0.1:{upstream.port}" for upstream in (*upstreams.values(), *exchanged[1:])]
    spec = document(f"{exchanged[1].url}/login/token")
    filed = {"kind": "http", "api_base": exchanged[2].url, "api_key": KEY, "extra_config": {"spec": spec}}
    config = {"security": {"allow_private_upstreams": allowed}, "providers": {"filed": filed}}
    server = LiveServer(tmp_path_factory.mktemp("service"), config).start()
    yield server
    server.end()


@pytest.fixture
def api(server):
    with server.client() as client:
        yield client


def save_exchanged(api, exchanged, *, login=None, **fields):
    """Save the provider that wants access tokens; return the answer."""
    _, home, upstream, _ = exchanged
    spec = document(f"{(login or home).url}/login/token")
    body = {"provider_name": "exchanged", "kind": "http", "api_base": upstream.url, "max_retries": 1}
    return api.post(CONFIG, json={**body, **fields, "extra_config": {"spec": spec}})


def generate(api, name, prompt="a lighthouse"):
    return api.post(GENERATE, json={"provider": name, "params": {"prompt": prompt}}, headers=WAIT)


def task_with(api, name, upstream, key, prompt="a lighthouse"):
    """Return the task of a provider that is saved with a document of the page and a key."""
    base = f"{upstream.url}{upstream.fake.base}"
    config = {"kind": "http", "api_base": base, "api_key": key, "max_retries": 0}
    data(api.post(CONFIG, json={"provider_name": name, **config, "extra_config": {"spec": DOCUMENTS[name]}}))
    return data(generate(api, name, prompt))


@pytest.mark.parametrize("name", FAKES)
def test_the_documents_make_images(api, upstreams, name):
    """One call is paid for; a secret that signs is not sent."""
    upstream = upstreams[name]
    paid = len(upstream.fake.ledger)

    task = task_with(api, name, upstream, upstream.fake.key)
    assert ("completed", 1, 1) == (task["status"], len(task["images"]), len(upstream.fake.ledger) - paid)
    if name in SIGNED:
        assert upstream.fake.key.split(":")[1] not in repr(upstream.requests)


@pytest.mark.parametrize("name", SIGNED)
def test_a_wrong_secret_is_refused(api, upstreams, name):
    """Nothing is paid for, and the message has no part of the key."""
    upstream = upstreams[name]
    paid, (key_id, secret, *more) = len(upstream.fake.ledger), upstream.fake.key.split(":")

    task = task_with(api, name, upstream, ":".join((key_id, f"{secret[:-1]}!", *more)))
    assert ("failed", "auth_failed") == (task["status"], task["error"]["code"])
    assert (paid, False) == (len(upstream.fake.ledger), secret[:-1] in str(task["error"]))


@pytest.mark.parametrize("name", FAKES)
def test_a_refused_prompt_is_told_as_such(api, upstreams, name):
    """By the codes of the document."""
    task = task_with(api, name, upstreams[name], upstreams[name].fake.key, prompt="something forbidden")

    assert ("failed", "content_policy") == (task["status"], task["error"]["code"])


def test_azure_edits_images_and_bills_tokens(api, upstreams):
    """With a mask in a multipart body; before that, the price is told by size and quality."""
    upstream = upstreams["azure-openai"]
    task_with(api, "azure-openai", upstream, upstream.fake.key)
    image = data_url(png(1, (64, 48)))
    body = {"provider": "azure-openai", "prompt": "a hat", "image": image, "mask": image}
    task = data(api.post("/api/v1/images/edit", json=body, headers=WAIT))
    params = {"size": "1024x1024", "quality": "low"}
    estimate = api.post(f"{TASKS}/estimate", json={"provider": "azure-openai", "params": params})

    assert ("completed", "0.004") == (task["status"], task["cost"]["amount"])
    assert {"edits", "generations"} == set(upstream.fake.ledger)
    assert "0.00588" == data(estimate)["cost"]["amount"]


def test_a_revoked_token_costs_no_second_image(api, exchanged):
    """The task is sent again with a new one, since the first was refused; one call is paid for."""
    keys = exchanged[0]
    data(save_exchanged(api, exchanged, api_key=KEY))
    first = data(generate(api, "exchanged"))
    paid = len(keys.ledger)
    keys.valid.clear()

    second = data(generate(api, "exchanged"))
    assert ["completed", "completed"] == [first["status"], second["status"]]
    assert 1 == len(keys.ledger) - paid


def test_a_saved_key_goes_to_its_own_login_only(api, exchanged):
    """Another token_url needs the key again, also where that is in the settings; the own one does not."""
    data(save_exchanged(api, exchanged, api_key=KEY))
    names = ("exchanged", "filed")
    moved = [save_exchanged(api, exchanged, login=exchanged[3], provider_name=name) for name in names]

    assert [(400, 40007, "api_key_required")] * 2 == [row(response) for response in moved]
    assert all(exchanged[3].url in r.text and exchanged[2].url not in r.text for r in moved)
    assert [200, 200] == [save_exchanged(api, exchanged, provider_name=name).status_code for name in names]


def test_an_edited_database_sends_no_key_to_another_login(api, server, exchanged):
    """What a key was sealed for includes its login."""
    _, home, _, stranger = exchanged
    data(save_exchanged(api, exchanged, api_key=KEY))
    server.stop()
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        edit = (
            "UPDATE provider_configs SET extra_config = replace(extra_config, ?, ?) WHERE provider_name = ?"
        )
        assert 1 == database.execute(edit, (home.url, stranger.url, "exchanged")).rowcount
    server.start()

    with server.client() as again:
        assert (400, 40007, "api_key_required") == row(generate(again, "exchanged"))


def test_no_secret_and_no_token_is_kept(api, server, exchanged):
    """Neither in the data directory nor in the log, nor in what tasks say of a provider that repeats it."""
    keys = exchanged[0]
    data(save_exchanged(api, exchanged, api_key=KEY))
    data(generate(api, "exchanged"))
    keys.valid.clear()
    keys.trusts_nobody = True
    task = data(generate(api, "exchanged"))
    keys.trusts_nobody = False

    assert ("failed", "auth_failed") == (task["status"], task["error"]["code"])
    server.stop()
    texts = [path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()]
    texts += [server.log.encode(), str(task).encode()]
    pieces = {*needles(f"{CLIENT_SECRET}?"), *needles(f"{TOKEN_END}?")}
    server.start()
    assert [] == [piece for piece in pieces if any(piece in text for text in texts)]
