"""Blobs are sent while the client is connected, under a name that any file system accepts."""

import asyncio
import unicodedata
from urllib.parse import unquote

import pytest

from imagegen_core.values import file_name
from imagegen_http.api.responses import blob_response

pytestmark = pytest.mark.anyio


def blob(read, *, name="cat.png", size=100):
    return blob_response(size=size, etag="tag", mime_type="image/png", file_name=name, read=read)


async def answered(response, *, receive, method="GET"):
    """Return the messages that were sent."""
    messages = []

    async def send(message):
        messages.append(message)
        await asyncio.sleep(0)

    await response({"method": method, "path": "/", "headers": []}, receive, send)
    return messages


async def stays():
    await asyncio.Event().wait()


async def test_nothing_more_is_read_after_a_disconnect():
    """What only OSS has is not fetched in vain."""
    read, connected = [], asyncio.Event()

    async def chunks(start, end):
        for number in range(100):
            read.append(number)
            if number == 3:
                connected.set()
            yield b"x"

    async def receive():
        await connected.wait()
        return {"type": "http.disconnect"}

    await answered(blob(chunks), receive=receive)

    assert len(read) < 10


async def test_a_small_body_is_sent_at_once():
    """And what it was read from comes to its end, where it closes its file."""
    ended = []

    async def chunks(start, end):
        yield b"x" * (end - start)
        ended.append((start, end))

    messages = await answered(blob(chunks), receive=stays)

    assert [("http.response.body", b"x" * 100, False)] == [
        (m["type"], m["body"], m["more_body"]) for m in messages[1:]
    ]
    assert [(0, 100)] == ended


async def test_a_client_that_stays_gets_everything():
    """And the end of the body."""

    async def chunks(start, end):
        yield b"x" * 60
        yield b"y" * 40

    messages = await answered(blob(chunks), receive=stays)

    assert b"x" * 60 + b"y" * 40 == b"".join(message.get("body", b"") for message in messages)
    assert [True, True, False] == [message["more_body"] for message in messages[1:]]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("一只猫", "一只猫-7.png"),
        ("a\r\nSet-Cookie: x=1", "a Set-Cookie x=1-7.png"),
        ("a\u202egnp.exe\u2066", "a gnp.exe-7.png"),
        ("one\u2028two\x85three\ud800", "one two three-7.png"),
        ('"a" \\ /b/ <c>', "a b c-7.png"),
        ("می\u200cخواهم", "می\u200cخواهم-7.png"),
        (" .. ", "image-7.png"),
        ("\u200d\u202e", "image-7.png"),
        ("x" * 300, "x" * 60 + "-7.png"),
    ],
)
def test_a_file_is_named_after_its_prompt(prompt, name):
    """Without characters that end a header, leave the directory or reverse the reading direction."""
    assert name == file_name(prompt, 7, "png")


@pytest.mark.parametrize("character", ["猫", "\U0001f600", "\U0001f468\u200d\U0001f469", "é"])
def test_a_file_name_fits_any_file_system(character):
    """255 bytes, including the image's number and the extension; no character is cut."""
    name = file_name(character * 200, 9_999_999_999, "thumbnail.webp")

    assert len(name.encode()) <= 255
    assert not any(unicodedata.category(letter) in ("Cs", "Cn") or letter == "\ufffd" for letter in name)


@pytest.mark.parametrize("prompt", ["%2e%2e%2f", 'a"; filename="b', "猫\r\nX: y", "ü;=\\"])
async def test_a_disposition_has_both_forms_of_the_name(prompt):
    """The plain one contains nothing that a client could decode, the other one everything."""
    name = file_name(prompt, 7, "png")

    async def chunks(start, end):
        yield b""

    messages = await answered(blob(chunks, name=name), receive=stays, method="HEAD")
    disposition = dict(messages[0]["headers"])[b"content-disposition"].decode("ascii")
    plain, _, encoded = disposition.partition("; filename*=UTF-8''")

    assert name == unquote(encoded)
    assert plain.startswith('inline; filename="')
    assert not set(plain[len('inline; filename="') : -1]) & set('%"\\\r\n')
