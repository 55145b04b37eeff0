"""What ``imagegen serve`` tells on a terminal."""

from pathlib import Path

import attrs
import pytest

from imagegen_core.messages import Language
from imagegen_http.cli.serve import opening_messages, token_line
from imagegen_http.settings.loader import load_settings
from imagegen_http.settings.schema import EnvText, OssSettings

SETTINGS = load_settings(config=None, environ={}, cwd=Path("/nowhere"))
TOKEN = "a-token-that-nobody-may-read"
FILE = Path("/etc/imagegen/config.yaml")


def lines(*, language=Language.EN, token=None, in_container=False, **server):
    settings = attrs.evolve(SETTINGS, server=attrs.evolve(SETTINGS.server, **server))
    messages = opening_messages(settings, 8080, token=token, in_container=in_container)
    return [message.text(language) for message in messages]


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ({}, "http://127.0.0.1:8080/"),
        ({"host": "::1"}, "http://[::1]:8080/"),
        ({"host": "192.0.2.7"}, "http://192.0.2.7:8080/"),
        ({"host": "0.0.0.0"}, "http://localhost:8080/"),
        (
            {"host": "::", "allowed_hosts": ("images.lan",)},
            "http://localhost:8080/ or http://images.lan:8080/",
        ),
        ({"host": "0.0.0.0", "public_url": "https://images.example.com"}, "https://images.example.com/"),
    ],
)
def test_the_address_is_one_that_can_be_opened(server, address):
    """That of all interfaces cannot, and a name that the service refuses is not shown."""
    assert [f"open {address} in a browser"] == lines(**server)


def test_a_container_has_another_port_outside():
    """Its own address means nothing there."""
    english = lines(host="0.0.0.0", in_container=True)
    chinese = lines(host="0.0.0.0", in_container=True, language=Language.ZH)

    assert [
        "open http://localhost:8080/ on this container's host, with the port that is published for 8080"
    ] == (english)
    assert ["请在本容器的宿主机上用浏览器打开 http://localhost:8080/，端口换成为 8080 发布的端口"] == chinese


def test_a_worker_has_nothing_to_open():
    """It answers only questions after its health."""
    bucket = dict.fromkeys(("endpoint", "region", "bucket", "access_key_id", "access_key_secret"), "x")
    storage = attrs.evolve(SETTINGS.storage, local=None, oss=OssSettings(**bucket))
    worker = attrs.evolve(SETTINGS, roles=("worker",), storage=storage, database="postgresql://db/imagegen")

    assert [] == [*opening_messages(worker, 8080, token=None, in_container=False)]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("file:/run/secrets/token", "it asks for the token in the file /run/secrets/token"),
        ("file:token", "it asks for the token in the file /etc/imagegen/token"),
        ("env:TOKEN", "it asks for the token in the environment variable TOKEN"),
        (TOKEN, "it asks for the token in the file /etc/imagegen/config.yaml"),
        (EnvText(TOKEN), "it asks for the token in the environment variable IMAGEGEN_SERVER__AUTH_TOKEN"),
    ],
)
def test_the_place_of_the_token_is_told_and_never_the_token(value, line):
    """As the settings name it."""
    token = token_line(FILE, {"server": {"auth_token": value}})

    assert [line] == lines(token=token)[1:]


@pytest.mark.parametrize("tree", [{}, {"server": None}, {"server": {}}, {"server": {"auth_token": None}}])
def test_without_a_token_there_is_no_place(tree):
    """The console asks for none."""
    assert token_line(FILE, tree) is None
