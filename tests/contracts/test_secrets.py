"""Keys are sealed, and open only where they belong."""

import contextlib
import math

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen, Submission
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import (
    KeysLocked,
    ProviderConfigNotFound,
    StorageError,
    Unavailable,
    ValidationFailed,
)
from imagegen_core.secrets import Secret
from tests.contracts.samples import NOW, ORIGIN, a_config, later

pytestmark = pytest.mark.anyio

CONTEXT = "openai|https://api.example.com:443"


@pytest.mark.parametrize("secret", ["sk-canary", "", "密钥 🔑", "a\0b\r\n\"'\\</>", "k" * 100_000])
@pytest.mark.parametrize("context", [CONTEXT, "", "提供商|\n"])
def test_what_was_sealed_opens_in_its_context(box, secret, context):
    """Any text is read back unchanged."""
    assert secret == box.open(box.seal(secret, context=context), context=context)


def test_a_token_shows_neither_secret_nor_context(box):
    """Both are encrypted, and the token is printable ASCII."""
    token = box.seal("sk-canary", context=CONTEXT)

    assert [False, False, True] == [
        "canary" in token,
        "example" in token,
        token.isascii() and token.isprintable(),
    ]


def test_equal_secrets_have_different_tokens(box):
    """Nobody can see that two providers share a key."""
    tokens = {box.seal("sk-1", context=CONTEXT) for _ in range(10)}

    assert 10 == len(tokens)
    assert {"sk-1"} == {box.open(token, context=CONTEXT) for token in tokens}


@pytest.mark.parametrize("context", ["openai|https://evil.example:443", CONTEXT.upper(), ""])
def test_a_token_that_was_moved_does_not_open(box, context):
    """A token is bound to its context, so writing to the database cannot move a key to another target."""
    token = box.seal("sk-1", context=CONTEXT)

    with pytest.raises(KeysLocked):
        box.open(token, context=context)


def test_a_stranger_opens_nothing(box, stranger):
    """Another master key opens nothing, in either direction."""
    for sealer, opener in ((box, stranger), (stranger, box)):
        token = sealer.seal("sk-1", context=CONTEXT)
        with pytest.raises(KeysLocked):
            opener.open(token, context=CONTEXT)


@pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.75])
def test_a_damaged_token_does_not_open(box, part):
    """A single changed character is detected, wherever it is."""
    token = box.seal("sk-1", context=CONTEXT)
    at = int(len(token) * part)
    damaged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

    with pytest.raises(KeysLocked):
        box.open(damaged, context=CONTEXT)


@pytest.mark.parametrize("token", ["", "x", "ключ", "gAAAAA" * 30])
def test_something_else_does_not_open(box, token):
    """Text that is no token is refused like a wrong key."""
    with pytest.raises(KeysLocked):
        box.open(token, context=CONTEXT)


def test_a_box_with_its_key_is_not_locked(box, locked_box):
    """`locked` says whether the master key is there."""
    assert (False, True) == (box.locked, locked_box.locked)


def test_a_locked_box_does_nothing(box, locked_box):
    """A locked box can neither seal nor open, even an intact token."""
    token = box.seal("sk-1", context=CONTEXT)

    with pytest.raises(KeysLocked):
        locked_box.seal("sk-1", context=CONTEXT)
    with pytest.raises(KeysLocked):
        locked_box.open(token, context=CONTEXT)


def test_a_derived_key_is_one_purposes(box, stranger, locked_box):
    """The same each time, other for another purpose or master key, and none without one."""
    (key,) = box.derive("links 1")

    assert (32, (key,)) == (len(key), box.derive("links 1"))
    assert 3 == len({key, *box.derive("links 2"), *stranger.derive("links 1")})
    with pytest.raises(KeysLocked):
        locked_box.derive("links 1")


def test_no_error_shows_a_secret(box, locked_box):
    """Error messages quote neither secrets nor tokens."""
    token = box.seal("sk-canary", context=CONTEXT)
    with pytest.raises(KeysLocked) as sealing:
        locked_box.seal("sk-canary", context=CONTEXT)
    with pytest.raises(KeysLocked) as opening:
        locked_box.open(token, context=CONTEXT)
    with pytest.raises(KeysLocked) as moved:
        box.open(token, context="canary")

    messages = [str(caught.value) for caught in (sealing, opening, moved)]
    assert not [message for message in messages if "canary" in message or token in message]


async def test_a_configuration_comes_back_whole(configs):
    """Every field survives, including the key and other secrets."""
    await configs.save(a_config(), key_origin=ORIGIN)

    stored = await configs.get("mine")

    assert a_config() == stored
    assert stored is not None
    assert stored.api_key is not None
    assert "sk-0123456789abcdef" == stored.api_key.reveal()


async def test_a_key_without_an_address_comes_back(configs):
    """An empty address is none; forms send one for a provider that needs none."""
    await configs.save(a_config(api_base=""), key_origin="")

    stored = await configs.get("mine")

    assert stored is not None
    assert stored.api_key is not None
    assert "sk-0123456789abcdef" == stored.api_key.reveal()


async def test_unset_fields_stay_unset(configs):
    """None is not turned into a default."""
    bare = ProviderConfig(provider_name="bare", source=ConfigSource.DATABASE)
    await configs.save(bare, key_origin=ORIGIN)

    assert bare == await configs.get("bare")


async def test_an_unknown_name_has_none(configs):
    """Reading returns None, deleting raises."""
    assert await configs.get("nobody") is None
    with pytest.raises(ProviderConfigNotFound):
        await configs.delete("nobody")


async def test_saving_again_replaces(configs):
    """The new configuration replaces the old one completely, except for its creation time."""
    await configs.save(a_config(), key_origin=ORIGIN)
    changed = a_config(
        api_key=None, enabled=True, models=None, created_at=later(9), updated_at=later(9), extra_config={}
    )

    await configs.save(changed, key_origin=ORIGIN)

    assert attrs.evolve(changed, created_at=NOW) == await configs.get("mine")


async def test_all_are_sorted_by_name(configs):
    """The list is sorted by name, without deleted configurations."""
    for name in ("b", "c", "a"):
        await configs.save(a_config(name), key_origin=ORIGIN)
    await configs.delete("c")

    assert ["a", "b"] == [config.provider_name for config in await configs.all()]


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf])
async def test_a_row_with_what_is_no_number_stops_no_other(configs, seconds):
    """It is shown, and not used; a database that keeps NaN as NULL has a row without a timeout."""
    row = ProviderConfig(provider_name="odd", source=ConfigSource.DATABASE, kind="demo", is_unchecked=True)
    for config in (attrs.evolve(row, timeout_seconds=seconds), attrs.evolve(row, provider_name="sound")):
        await configs.save(config, key_origin="")
    imagegen = ImageGen(attrs.evolve(memory_adapters(), configs=configs))
    is_kept = (await configs.get("odd")).timeout_seconds is not None

    with pytest.raises(ValidationFailed, match="timeout_seconds") if is_kept else contextlib.nullcontext():
        await imagegen.tasks.submit(Submission(prompt="a cat", provider_name="odd"))
    await imagegen.tasks.submit(Submission(prompt="a cat", provider_name="sound"))
    listed = [resolved.config.provider_name for resolved in await imagegen.providers.configured()]
    usable = [resolved.config.provider_name for resolved in await imagegen.providers.usable()]

    assert (["odd", "sound"], is_kept) == (listed, "odd" not in usable)
    assert "sound" in usable
    assert is_kept or math.isnan(seconds)


@pytest.mark.parametrize("column", ["extra_config = '{\"workflow\": NaN}'", "models = '[{\"id\": NaN}]'"])
async def test_json_with_what_is_no_number_stops_no_other(configs, rows, column):
    """The database refuses it, or it is read as null."""
    for name in ("odd", "sound"):
        await configs.save(a_config(name, models=None, extra_config={}), key_origin=ORIGIN)
    with contextlib.suppress(StorageError):
        await rows(f"UPDATE provider_configs SET {column} WHERE provider_name = 'odd'")  # noqa: S608 - from the list above

    odd, sound = await configs.all()

    assert a_config("sound", models=None, extra_config={}) == sound
    assert odd.extra_config in ({}, {"workflow": None})
    assert odd.models is None or ["None"] == [model.id for model in odd.models]


async def test_the_default_is_kept_until_another_is_saved(configs):
    """It needs no saved configuration, and outlives that which it names."""
    await configs.save(a_config("a"), key_origin=ORIGIN)
    defaults = [await configs.default()]
    for name in ("a", "on-file"):
        await configs.set_default(name)
        defaults.append(await configs.default())
    await configs.set_default("a")
    await configs.delete("a")
    defaults.append(await configs.default())
    await configs.set_default(None)
    defaults.append(await configs.default())

    assert [None, "a", "on-file", "a", None] == defaults


async def test_a_locked_key_is_not_written_over(configs):
    """A key that could not be decrypted cannot be saved, so the stored one stays."""
    await configs.save(a_config(), key_origin=ORIGIN)

    with pytest.raises(Unavailable):
        await configs.save(a_config(api_key=Secret("", locked=True)), key_origin=ORIGIN)
    assert a_config() == await configs.get("mine")


async def test_nothing_is_saved_while_keys_are_locked(configs, config_box):
    """Without the master key, a stored key appears as locked and cannot be overwritten."""
    await configs.save(a_config(), key_origin=ORIGIN)
    config_box.locked = True

    with pytest.raises(KeysLocked):
        await configs.save(a_config(api_key=None), key_origin=ORIGIN)
    assert (await configs.get("mine")).api_key.locked


@pytest.mark.parametrize(
    "tampering",
    [
        "api_key = (SELECT api_key FROM provider_configs WHERE provider_name = 'b')",
        "api_base = 'https://evil.example'",
        "api_base = 'https://evil.example', key_origin = 'https://evil.example:443'",
        "api_base = NULL, key_origin = 'https://evil.example:443'",
        "sealed_extra = (SELECT sealed_extra FROM provider_configs WHERE provider_name = 'b')",
        "sealed_extra = api_key",
    ],
)
async def test_a_key_does_not_follow_a_changed_row(configs, rows, tampering):
    """The key opens neither from another row's token nor for another address."""
    await configs.save(a_config("a"), key_origin=ORIGIN)
    await configs.save(a_config("b"), key_origin=ORIGIN)
    await rows(f"UPDATE provider_configs SET {tampering}")  # noqa: S608 - from the list above

    assert (await configs.get("a")).api_key.locked


@pytest.mark.parametrize("api_key", [None, Secret("sk-0123456789abcdef")])
async def test_a_locked_secret_header_locks_the_configuration(configs, config_box, api_key):
    """If secret headers cannot be opened, the key counts as locked, even if there is none."""
    await configs.save(a_config(api_key=api_key), key_origin=ORIGIN)
    await configs.save(a_config("bare", api_key=api_key, extra_config={}), key_origin=ORIGIN)
    config_box.locked = True

    locked = [c.api_key is not None and c.api_key.locked for c in await configs.all()]
    assert [api_key is not None, True] == locked


async def test_secrets_are_never_stored_in_plain_text(configs, rows):
    """Neither the key nor secret headers nor a proxy's password; other headers are readable."""
    await configs.save(a_config(), key_origin=ORIGIN)

    (row,) = await rows("SELECT * FROM provider_configs")
    text = " ".join(map(str, row))
    assert not [secret for secret in ("0123456789", "password@") if secret in text]
    assert '"X-Team":"a"' in text.replace(" ", "")


@pytest.mark.usefixtures("config_box")
async def test_a_key_is_kept_in_memory_as_it_is_stored(configs):
    """A configuration that was read holds a token, not the key."""
    await configs.save(a_config(), key_origin=ORIGIN)

    assert "0123456789abcdef" not in str(attrs.asdict(await configs.get("mine")))


@pytest.mark.usefixtures("config_box")
async def test_a_key_without_an_address_keeps_its_origin(configs):
    """If the address is a default, the key is bound to the origin that it was saved for."""
    await configs.save(a_config(api_base=None), key_origin=ORIGIN)

    assert "sk-0123456789abcdef" == (await configs.get("mine")).api_key.reveal()


async def test_a_name_that_nothing_can_hold_has_none(configs):
    """It is refused where names are checked; here it causes no error of the database."""
    with pytest.raises(ProviderConfigNotFound):
        await configs.delete("\x00")
    assert await configs.get("\x00") is None
