"""Secrets in text: in use, in every spelling, and what looks like one."""

import base64
import json
import logging
from html import escape
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen_core.secrets import (
    _MARKS,
    _PATTERNS,
    _URL,
    _USER_INFO,
    MASK,
    Redactor,
    on_one_line,
)

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=80)
AROUND = st.text(max_size=30)
FRAGMENTS = (
    *("Authorization", "x-my-key", "Cookie", "Bearer ", "ba\u017fic ", "\u212aey", "api_key", "token", "'"),
    *(
        "sk",
        "-",
        "_",
        "hf_",
        "a" * 20,
        "B2" * 8,
        "AIza",
        "ya29.",
        "LTAI",
        "eyJ",
        ".",
        "://",
        "http",
        "?",
        "@",
    ),
)


def _base64_at(offset, secret, encode=base64.b64encode):
    return encode(b"x" * offset + secret.encode() + b"yz").decode()


SPELLINGS = {
    "plain": str,
    "url": lambda s: quote(s, safe=""),
    "url with slashes": quote,
    "form": quote_plus,
    "url twice": lambda s: quote(quote(s, safe="")),
    "url lower": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "json": lambda s: json.dumps(s)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s))[3:-3],
    "php json": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "repr": lambda s: repr(s)[1:-1],
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "html": escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 bare": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic auth": lambda s: _base64_at(5, s),
    "base64 shifted by 1": lambda s: _base64_at(1, s),
    "base64 shifted by 2": lambda s: _base64_at(2, s),
    "base64url shifted by 1": lambda s: _base64_at(1, s, base64.urlsafe_b64encode),
}
"""How libraries and providers encode a secret before they quote it."""


SECRETS = ("Zq8-canary_0123456789", "Zq/8+canary=\"q'\\&<>?#%", "alice:correct horse battery")


@pytest.fixture
def redactor():
    return Redactor()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_shows_in_no_spelling(redactor, spelling, secret):
    """No eight consecutive characters of it are left, and the text around it is unchanged."""
    encoded = SPELLINGS[spelling](secret)
    redactor.register(secret)

    redacted = redactor.redact(f"before {encoded} after")

    assert not [at for at in range(len(encoded) - 7) if encoded[at : at + 8] in redacted]
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_found_in_bytes(redactor, spelling, secret):
    """In every spelling, and in bytes that are no text; not before it is registered."""
    data = b"\xff\0" + SPELLINGS[spelling](secret).encode() + b"\xff"
    before = redactor.contains_secret(data)
    redactor.register(secret)

    assert (False, True) == (before, redactor.contains_secret(data))


def test_a_secret_that_is_cut_off_is_found(redactor):
    """As in a response whose connection broke; a few characters that it begins with are none."""
    redactor.register(SECRETS[0])

    cut, piece = SECRETS[0][:9].encode(), SECRETS[0][:3].encode()
    assert (True, False) == (
        redactor.contains_secret(b"before " + cut),
        redactor.contains_secret(b"before " + piece),
    )


def test_secrets_within_others_leave_nothing(redactor):
    """A secret that contains another one leaves nothing of itself."""
    secrets = [*SECRETS, f"{SECRETS[0]}-longer", f"longer-{SECRETS[0]}"]
    for secret in secrets:
        redactor.register(secret)

    redacted = redactor.redact(" ".join(secrets))

    assert not [word for word in ("canary", "longer", "horse") if word in redacted]


def test_a_secret_is_masked_from_its_registration_on(redactor):
    """It is masked from then on; registering it twice is no error."""
    before = redactor.redact("a canary-0123 in it")
    redactor.register("canary-0123")
    redactor.register("canary-0123")

    after = redactor.redact("a canary-0123 in it")

    assert ("a canary-0123 in it", False) == (before, "canary" in after)


@pytest.mark.parametrize("text", ["", "一只可爱的猫", "size must be one of 1024x1024, 1536x1024", "a\nb\0"])
def test_other_text_stays_as_it_is(redactor, text):
    """Messages without secrets are unchanged."""
    redactor.register(SECRETS[0])

    assert text == redactor.redact(text)
    assert not redactor.contains_secret(text.encode())


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_what_is_too_short_is_no_secret(redactor, secret):
    """Otherwise every text would be masked."""
    redactor.register(secret)

    assert "abc a" == redactor.redact("abc a")


@pytest.mark.parametrize(("limit", "length"), [(None, 1000), (1000, 1000), (999, 999), (1, 1), (0, 0)])
def test_a_limit_cuts(redactor, limit, length):
    """Without a limit, nothing is truncated."""
    assert "猫" * length == redactor.redact("猫" * 1000, limit=limit)


def test_a_secret_at_the_limit_leaves_no_half(redactor):
    """A secret at the limit does not leave its first half."""
    redactor.register(SECRETS[0])

    redacted = redactor.redact("x" * 490 + SECRETS[0] + "y", limit=500)

    assert ("x" * 490, False) == (redacted[:490], "Zq" in redacted)


def test_the_mask_is_not_masked(redactor):
    """The mask is not masked again."""
    for secret in SECRETS:
        redactor.register(secret)
    once = redactor.redact(" and ".join(SECRETS))

    assert once == redactor.redact(once)


def knowing(*secrets):
    redactor = Redactor()
    for secret in secrets:
        redactor.register(secret)
    return redactor


@pytest.mark.parametrize("encode", SPELLINGS.values(), ids=SPELLINGS)
@settings(max_examples=60)
@given(secret=PRINTABLE, before=AROUND, after=AROUND)
def test_a_secret_in_use_shows_in_no_encoding(encode, secret, before, after):
    """Whatever a library or a provider makes of it, not even eight characters in a row are left."""
    encoded = encode(secret)
    text = knowing(secret).redact(f"{before} {encoded} {after}")

    pieces = {encoded[i : i + 8] for i in range(len(encoded) - 7)}
    rest = text.replace(MASK, "\0")
    assert not [p for p in pieces if p in rest and p not in before and p not in after and p.strip("=% ")]


@given(secrets=st.lists(PRINTABLE, min_size=1, max_size=5, unique=True), text=AROUND)
def test_many_secrets_are_masked_together(secrets, text):
    """One that contains another too."""
    secrets = [*secrets, secrets[0] + "-longer"]
    redacted = knowing(*secrets).redact(text + " ".join(secrets))

    assert not [secret for secret in secrets if secret in redacted and secret not in text]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARYabcdef0123456789",
        "{'Authorization': 'Bearer CANARYabc.def.ghi'}",
        "[(b'authorization', b'Basic CANARYdXNlcjpwYXNz')]",
        "Proxy-Authorization: Basic CANARYdXNlcjpwYXNz",
        "headers: {'X-Api-Key': 'CANARY', 'a': 'b'}",
        "x-goog-api-key: CANARY0123",
        "Cookie: session=CANARY",
        "Illegal header value b'Bearer CANARY-123\\r\\n'",
        "the token sk-proj-CANARY0123456789 is wrong",
        "hf_CANARYabcdefghijkl and r8_CANARYabcdefghijkl",
        "AIzaSyCANARY0123456789abcdefghijkl",
        "LTAICANARY0123456789",
        "eyJhbGciCANARY.eyJzdWIiCANARY.c2lnCANARY",
        "GET https://h.example/v1?key=CANARY&alt=json HTTP/1.1",
        "https://bucket.oss.example/x.png?Expires=1&OSSAccessKeyId=CANARY&Signature=CANARY",
        "https://user:CANARY@h.example/x",
        "http://:CANARY@127.0.0.1:7890",
        "POST body: model=x&token=CANARY&n=1",
        '{"api_key": "CANARY", "n": 1}',
        "{'secret': 'CANARY with spaces'}",
        'ProviderConfig(api_key="CANARY")',
        "password=CANARY",
        "X-Amz-Signature=CANARY",
    ],
)
def test_what_looks_like_a_secret_is_masked(text):
    """Although nobody registered it."""
    assert "CANARY" not in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "一只可爱的猫，赛博朋克风格",
        "Incorrect API key provided. You can find your API key at https://platform.example.com/account",
        "400 Bad Request: size must be one of 1024x1024, 1536x1024",
        "the model gpt-image-1 does not exist",
        "Basic features are key to a token of appreciation",
        "task 0195c8f0-7b1c-7000-8000-000000000001 took 12.5 s",
        "http://127.0.0.1:7860/sdapi/v1/txt2img answered 500",
    ],
)
def test_plain_text_stays_as_it_is(text):
    """Messages are for reading."""
    assert text == knowing("sk-something-else").redact(text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=8))
def test_no_pattern_matches_what_is_passed_over(fragments):
    """Most texts are not searched, since they have nothing that every match has; none has a match then."""
    text = "".join(fragments)

    if not any(mark in text.casefold() for mark in _MARKS):
        assert [] == [p.pattern for p in (*(p for p, _ in _PATTERNS), _USER_INFO) if p.search(text)]
        assert "?" not in "".join(_URL.findall(text))


def test_the_text_is_cut_after_it_was_redacted():
    """A key across the cut does not show its first half."""
    secret = "sk-canary-0123456789"

    assert "x" * 490 + MASK == knowing(secret).redact("x" * 490 + secret + "y", limit=494)


@pytest.mark.parametrize("mark", ["", "…"])
@pytest.mark.parametrize("encoding", ["plain", "url", "hex", "base64", "json"])
def test_a_secret_that_was_cut_is_masked_as_far_as_it_came(encoding, mark):
    """Somebody else cut a long text in the middle of it; a short text was not cut."""
    secret = "sk-Cut/Canary+0123456789abcdefghij"
    encoded, prefix = SPELLINGS[encoding](secret), "the provider said " + "x" * 200 + " "
    cut = [knowing(secret).redact(f"{prefix}{encoded[:length]}{mark}") for length in (8, 17, 25)]

    assert [f"{prefix}{MASK}"] * 3 == cut
    assert "a word: secret" == knowing("secret-0123456789").redact("a word: secret")


def test_a_secret_that_is_forgotten_is_text_again():
    """However often it was registered."""
    redactor = knowing("canary-value", "canary-value")
    redactor.forget("canary-value")

    assert "canary-value" == redactor.redact("canary-value")


def test_a_stream_of_keys_does_not_drive_out_the_services_own():
    """The first ones stay, the others are known as long as they are in use."""
    redactor = knowing("own-secret", *(f"key-of-request-{number:04}" for number in range(400)))
    redactor.register("key-of-request-0399")
    text = redactor.redact("own-secret key-of-request-0399")

    assert (f"{MASK} {MASK}", True) == (text, len(redactor._recent) <= 256)


def test_forgetting_the_unknown_is_fine():
    """There is nothing to do."""
    Redactor().forget("never-registered")


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_a_secret_that_is_too_short_masks_nothing(short):
    """Else every text would be stars."""
    assert "abc a" == knowing(short).redact("abc a")


def test_the_password_of_a_pair_is_a_secret_too():
    """A1111 gets user:password, and may echo the half of it."""
    assert f"no such user with {MASK}" == knowing("alice:correct-horse").redact(
        "no such user with correct-horse"
    )


def test_fields_are_redacted_at_any_depth():
    """By their names and by their values."""
    redactor = knowing("canary-value")
    fields = {
        "api_key": "short",
        "nested": {"headers": [("a", "canary-value")], "Password": b"short"},
        "canary-value": 1,
        "has_api_key": True,
        "key": "images/7.png",
        "n": 3,
        "none": None,
    }

    assert {
        "api_key": MASK,
        "nested": {"headers": [["a", MASK]], "Password": MASK},
        MASK: 1,
        "has_api_key": True,
        "key": "images/7.png",
        "n": 3,
        "none": None,
    } == redactor.redact_mapping(fields)


def test_objects_are_judged_by_how_they_would_be_written():
    """An exception or a request that holds a secret becomes its redacted text."""
    redactor = knowing("canary-value")
    request = httpx.Request("GET", "https://h.example/x", headers={"X-Custom": "canary-value"})
    masked = redactor.redact_mapping(
        {"error": ValueError("canary-value"), "headers": request.headers, "ok": 1j}
    )

    assert (False, "1j") == ("canary" in str(masked), masked["ok"])


def test_a_log_line_is_one_line():
    """Whatever the prompt holds: line breaks, escape sequences, marks that turn the text around."""
    process = knowing("canary-value").redact_event
    event = {
        "event": "new\nline \x1b[31m",
        "prompt": "a\r\u2028b\u202ec\x85",
        "deep": [{"x\n": "\0"}],
        "e": "canary-value",
    }

    assert {
        "event": "new\\nline \\x1b[31m",
        "prompt": "a\\r\\u2028b\\u202ec\\x85",
        "deep": [{"x\\n": "\\x00"}],
        "e": MASK,
    } == process(logging.getLogger("x"), "info", event)


@given(st.text())
def test_text_on_one_line_can_be_written_anywhere(text):
    """No line break of any kind, no control character, nothing that UTF-8 cannot carry."""
    line = on_one_line(text)

    assert (len(line.splitlines()) <= 1, True) == (True, line.isprintable() or not line.isascii())
    line.encode("utf-8")


@given(st.text())
def test_redacting_twice_changes_nothing(text):
    """The mask is no secret."""
    redactor = knowing("canary-value")
    once = redactor.redact(text)

    assert once == redactor.redact(once)
