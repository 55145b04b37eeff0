"""No layer can send a secret of a lower layer further than that layer would."""

import asyncio
from functools import cache
from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagegen_adapters.memory import memory_adapters
from imagegen_core import ImageGen
from imagegen_core.config import ConfigSource, ProviderConfig, combine, masked_extra
from imagegen_core.errors import ApiKeyRequired, ProviderNotConfigured, ValidationFailed
from imagegen_core.messages import ProblemCode
from imagegen_core.models import ProviderProfile
from imagegen_core.resolving import ProviderKinds, Providers, ResolveProvider
from imagegen_core.secrets import Redactor, Secret
from tests.contracts.clock import ManualClock

NAME = "p"
A, B = "https://a.example/v1", "https://b.example"
PLAIN, OTHER_PLAIN = "http://a.example", "http://b.example"
SOURCES = (ConfigSource.REQUEST, ConfigSource.DATABASE, ConfigSource.FILE)


class Everywhere:
    """A provider whose address, observers and credentials come from ``extra_config``."""

    names = ()
    extra_keys = frozenset({"broken", "ambient", "base", "hosts"})

    def describe(self, config):
        extra = config.extra_config
        if extra.get("broken"):
            raise ValidationFailed.for_field("extra_config.broken", ProblemCode.INVALID())
        ambient = extra.get("ambient") if config.api_key is None else None
        return ProviderProfile(
            models=(),
            default_api_base=extra.get("base"),
            needs_api_base=False,
            needs_api_key=False,
            key_hosts=tuple(extra.get("hosts", ())),
            ambient_credentials=ambient,
        )


class NullRedactor:
    """A redactor that ignores secrets."""

    def register(self, secret):
        """Forget it."""


def layer(source=ConfigSource.FILE, **fields):
    return ProviderConfig(provider_name=NAME, source=source, kind="any", **fields)


def resolver(file=None, configs=None):
    return ResolveProvider(
        configs=configs or memory_adapters().configs,
        file_configs={} if file is None else {NAME: file},
        kinds=ProviderKinds(adapters={"any": Everywhere()}),
        redactor=NullRedactor(),
        clock=ManualClock(),
    )


@cache
def saved_configs():
    """Return the same each time: a database is the most of what an example takes."""
    return memory_adapters().configs


async def resolved(layers):
    """Return the resolved provider of layers, strongest first, at most one per source."""
    by_source = {one.source: one for one in layers}
    resolve = resolver(by_source.get(ConfigSource.FILE), saved_configs())
    saved = by_source.get(ConfigSource.DATABASE)
    for earlier in await resolve.configs.all():
        await resolve.configs.delete(earlier.provider_name)
    if saved is not None:
        base = resolve.describe([one for one in layers if one.source is not ConfigSource.REQUEST])
        await resolve.configs.save(saved, key_origin=base.reach.origin or "")
    return await resolve(provider_name=NAME, override=by_source.get(ConfigSource.REQUEST))


KEY = {"api_key": Secret("key")}
HEADER = {"X-Token": "hush"}
PROXY = "http://me:hush@proxy.example:3128"
FOREIGN = "http://proxy.thief.example"


@pytest.mark.parametrize(
    "layers",
    [
        [{"api_base": B}, {**KEY, "api_base": A}],
        [{"api_base": "https://a.example:444"}, {**KEY, "api_base": A}],
        [{"api_base": PLAIN}, {**KEY, "api_base": A}],
        [{"api_base": B}, {**KEY, "extra_config": {"base": A}}],
        [{"api_base": B}, KEY],
        [{"extra_config": {"base": B}}, KEY],
        [{"extra_config": {"base": B}}, {**KEY, "extra_config": {"base": A}}],
        [{"extra_config": {"hosts": ["thief.example"]}}, {**KEY, "api_base": A}],
        [{"extra_config": {"proxy": FOREIGN}}, {**KEY, "api_base": PLAIN}],
        [{"extra_config": {"proxy": "http://x:1/", "broken": False}}, {**KEY, "api_base": PLAIN}],
        [{"api_base": A, "extra_config": {"broken": False}}, {**KEY, "extra_config": {"broken": True}}],
        [{**KEY, "api_base": B}, {"api_base": A, "extra_config": {"proxy": PROXY}}],
        [{"extra_config": {"ambient": "the machine's"}}],
        [{"extra_config": {"ambient": "the machine's"}}, {"api_base": A}],
        [{"extra_config": {"ambient": "another's"}}, {"extra_config": {"ambient": "the machine's"}}],
        [{"api_base": B}, {"api_base": A, "extra_config": {"ambient": "the machine's"}}],
        [{"extra_config": {"proxy": FOREIGN}}, {"api_base": PLAIN, "extra_config": {"ambient": "x"}}],
    ],
)
async def test_what_would_get_further_is_refused(layers):
    """The row over the file, or the request over either; the lower layer has the secret."""
    sources = (ConfigSource.DATABASE, ConfigSource.FILE)
    values = [layer(source, **fields) for source, fields in zip(sources, layers, strict=False)]

    with pytest.raises(ApiKeyRequired):
        await resolved(values)


@pytest.mark.parametrize(
    "layers",
    [
        [{"api_base": "https://A.example:443/v2"}, {**KEY, "api_base": A}],
        [{"api_base": B, **KEY}, {"api_base": A}],
        [KEY, {"api_base": A}],
        [{"timeout_seconds": 1}, KEY],
        [{"extra_config": {"proxy": FOREIGN}}, {**KEY, "api_base": A}],
        [{"extra_config": {"proxy": None}}, {**KEY, "api_base": PLAIN, "extra_config": {"proxy": PROXY}}],
        [{"extra_config": {"hosts": []}}, {**KEY, "api_base": A, "extra_config": {"hosts": ["h"]}}],
        [{"timeout_seconds": 1}, {"api_base": A, "extra_config": {"ambient": "the machine's"}}],
        [{"extra_config": {"ambient": "x"}}, {"api_base": A, "extra_config": {"ambient": "x"}}],
        [{**KEY, "api_base": B}, {"api_base": A, "extra_config": {"ambient": "the machine's"}}],
        [{**KEY, "api_base": B}, {"api_base": A, **KEY}],
    ],
)
async def test_what_stays_at_home_is_used(layers):
    """Another path or time-out, a proxy for https, a smaller reach, or a key of its own is fine."""
    sources = (ConfigSource.DATABASE, ConfigSource.FILE)
    values = [layer(source, **fields) for source, fields in zip(sources, layers, strict=True)]

    used = (await resolved(values)).config

    assert combine(values).api_key == used.api_key


@pytest.mark.parametrize(
    ("above", "has_token"),
    [
        ({}, True),
        ({"timeout_seconds": 9}, True),
        ({"api_base": f"{PLAIN}/v9"}, True),
        ({"api_base": OTHER_PLAIN, **KEY}, False),
        ({"extra_config": {"proxy": FOREIGN}}, False),
        ({"extra_config": {"hosts": ["thief.example"]}, **KEY}, False),
        ({"extra_config": {"base": B}}, True),
    ],
)
async def test_secret_headers_are_left_out_where_they_would_get_further(above, has_token):
    """Other headers are sent; a key of the caller's own does not bring the secret ones along."""
    below = layer(api_base=PLAIN, extra_config={"headers": {**HEADER, "X-Team": "blue"}})

    used = (await resolved([layer(ConfigSource.DATABASE, **above), below])).config

    assert {"X-Team": "blue", **(HEADER if has_token else {})} == used.extra_config["headers"]


def destinations(config):
    """Return the parties that see a request of this configuration, without the code under test."""
    extra = config.extra_config
    base, observers = config.api_base or extra.get("base"), set(extra.get("hosts", ()))
    if base is not None:
        parts = urlsplit(base)
        observers.add((parts.scheme, parts.hostname, parts.port))
    if extra.get("proxy") and not (base or "").startswith("https:"):
        observers.add(("proxy", extra["proxy"].rpartition("@")[2].removeprefix("http://")))
    return observers


def secrets_in(config):
    """Return all secrets that a call would carry; each names its layer."""
    extra = config.extra_config
    secrets = {text for name, text in (extra.get("headers") or {}).items() if name == "X-Token"}
    user, at, _ = str(extra.get("proxy") or "").removeprefix("http://").rpartition("@")
    secrets |= {user.partition(":")[2]} if at else set()
    return secrets | ({config.api_key.reveal()} if config.api_key else set())


BASES = st.sampled_from([None, A, B, PLAIN, OTHER_PLAIN])


def some_of(**values):
    """Return a strategy of mappings with some of the values."""
    return st.fixed_dictionaries({}, optional=values)


def extras(who):
    return some_of(
        base=st.sampled_from([A, B, PLAIN]),
        hosts=st.sampled_from([(), ("h",), ("h", "i")]),
        headers=st.sampled_from([{}, {"X-Team": "t"}, {"X-Token": f"header of {who}"}]),
        proxy=st.sampled_from([None, "http://one", "http://two", f"http://me:proxy of {who}@one"]),
        broken=st.booleans(),
    )


def layers_of(who):
    keys = st.sampled_from([None, Secret(f"key of {who}")])
    extra = st.just({}) if who is ConfigSource.REQUEST else extras(who)
    return st.builds(
        lambda base, key, more: layer(who, api_base=base, api_key=key, extra_config=more), BASES, keys, extra
    )


@settings(max_examples=4 * settings.default.max_examples)
@given(st.tuples(*map(layers_of, SOURCES)))
def test_no_layer_above_takes_a_secret_further(layers):
    """For any three layers, each secret of a call goes only where its own layers could have sent it."""
    try:
        used = asyncio.run(resolved(layers)).config
    except (ApiKeyRequired, ValidationFailed, ProviderNotConfigured):
        return
    for position, source in enumerate(SOURCES):
        if any(text.endswith(str(source)) for text in secrets_in(used)):
            home = combine(layers[position:])
            assert not home.extra_config.get("broken")
            assert destinations(used) <= destinations(home)


CHANGES = st.lists(
    st.tuples(
        some_of(api_base=BASES, api_key=st.sampled_from(["key of a stranger", "****"])),
        st.one_of(st.none(), extras("a stranger"), st.just("as shown"), extras("masked")),
    ),
    min_size=1,
    max_size=4,
)


def masked(extra, shown):
    """Return what a client sends back who saw only masked secrets and changes the rest."""
    merged = {**shown, **{k: v for k, v in extra.items() if k not in ("headers", "proxy")}}
    return {
        **merged,
        **({"proxy": extra["proxy"]} if "proxy" in extra and "@" not in str(extra["proxy"]) else {}),
    }


@settings(max_examples=4 * settings.default.max_examples)
@given(
    layers_of(ConfigSource.DATABASE), layers_of(ConfigSource.FILE), CHANGES, layers_of(ConfigSource.REQUEST)
)
def test_no_row_of_changes_takes_a_secret_further(first, file, changes, override):
    """Whatever clients save without knowing the secrets, these go only where they went when saved."""
    asyncio.run(_saved_again_and_again(first, file, changes, override))


async def _saved_again_and_again(first, file, changes, override):
    parts = memory_adapters(clock=ManualClock())
    resolve = resolver(file, parts.configs)
    save = Providers(parts=parts, resolve=resolve).save
    try:
        start = resolve.describe([first, file])
    except ValidationFailed:
        return
    await resolve.configs.save(first, key_origin=start.reach.origin or "")
    for fields, extra in changes:
        shown = masked_extra(combine([await resolve.configs.get(NAME), file]).extra_config)
        update = {"as shown": shown}.get(extra, extra) if isinstance(extra, str) else extra
        if update is not None and "masked" in str(update):
            update = masked(update, shown)
        try:
            await save(
                provider_name=NAME, changes={**fields, **({} if update is None else {"extra_config": update})}
            )
        except (ApiKeyRequired, ValidationFailed):
            continue
    try:
        used = (await resolve(provider_name=NAME, override=override)).config
    except (ApiKeyRequired, ValidationFailed, ProviderNotConfigured):
        return
    homes = {"database": destinations(combine([first, file])), "file": destinations(file)}
    for text in secrets_in(used):
        home = homes.get(text.rpartition(" of ")[2])
        assert home is None or destinations(used) <= home


async def test_what_a_program_hands_over_is_the_operators_layer():
    """A program that imports the library may use the machine's credentials, whatever source it declares."""
    config = layer(ConfigSource.DATABASE, api_base=A, extra_config={"ambient": "the machine's"})
    imagegen = ImageGen(memory_adapters(providers={"any": Everywhere()}), file_configs={NAME: config})
    override = layer(ConfigSource.REQUEST, api_base=B)

    used = (await imagegen.resolve(provider_name=NAME)).profile

    assert "the machine's" == used.ambient_credentials
    with pytest.raises(ApiKeyRequired):
        await imagegen.resolve(provider_name=NAME, override=override)


async def test_a_key_that_was_sealed_for_another_origin_stays():
    """A changed file below a row does not redirect the row's secrets, including headers."""
    row = layer(ConfigSource.DATABASE, **KEY, extra_config={"headers": HEADER})
    resolve = resolver(layer(api_base=B))
    await resolve.configs.save(row, key_origin="https://a.example:443")

    with pytest.raises(ApiKeyRequired):
        await resolve(provider_name=NAME)
    await resolve.configs.save(attrs.evolve(row, api_key=None), key_origin="https://a.example:443")
    assert {} == (await resolve(provider_name=NAME)).config.extra_config["headers"]


async def test_a_proxys_password_is_masked_as_it_is_sent():
    """A proxy that echoes the credentials has them decoded, not as the address spells them."""
    redactor = Redactor()
    config = layer(**KEY, api_base=A, extra_config={"proxy": "http://me:50%25-hush@proxy.example"})

    await attrs.evolve(resolver(config), redactor=redactor)(provider_name=NAME)

    echoes = ("50%-hush", "50%25-hush", "bWU6NTAlLWh1c2g=")  # the last one is me:50%-hush
    assert ["****"] * 3 == [redactor.redact(echo) for echo in echoes]
