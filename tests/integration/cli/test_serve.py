"""``imagegen serve`` on a terminal, and in a log."""

import signal
import socket

import httpx
import pytest

from tests.integration.cli.outcomes import failed

TOKEN = "a-token-that-nobody-may-read"


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("请在浏览器中打开 http://localhost:", "登录令牌在文件 ")),
        ("en", ("open http://localhost:", "it asks for")),
    ],
)
def test_a_terminal_shows_the_address_to_open(other, lang, words):
    """Once, also where the service listens on all interfaces, and with the token's file but not the token."""
    (other.folder / "token").write_text(TOKEN)
    other.configure({"server": {"auth_token": "file:token", "host": "0.0.0.0"}})
    terminal = other.on_terminal("serve", "--port", "0", "--lang", lang)
    terminal.until(str(other.folder / "token"))
    line = next(line for line in terminal.shown.splitlines() if words[0] in line)
    address = next(word for word in line.split() if word.startswith("http"))
    status = httpx.get(f"{address}health/live", trust_env=False).status_code
    terminal.process.send_signal(signal.SIGTERM)
    terminal.until("stopped")

    assert (200, 0) == (status, terminal.end())
    assert [1, 1] == [terminal.shown.count(word) for word in words]
    assert TOKEN not in terminal.shown


def test_a_log_has_the_address_in_a_line_of_its_own(other):
    """As JSON, without a sentence for a person."""
    other.start()
    log = other.log

    assert (1, 0) == (log.count('"listening"'), log.count("in a browser"))


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", "端口 {}：地址已被占用"), ("en", "port {}: Address already in use")]
)
def test_an_address_in_use_is_said_in_the_readers_language(other, lang, words):
    """All of the line, also what the system says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        line = failed(other.imagegen("serve", "--port", str(port), "--lang", lang))

    assert line.endswith(words.format(port))
