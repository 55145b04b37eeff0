"""How images are made, kept and found: adapters of the ports, and `open`, which joins them."""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import imagegen_core  # noqa: F401 - so that the import of a module that is gone says where it is now

if TYPE_CHECKING:
    from imagegen_core import ImageGen, Limits
    from imagegen_core.config import ProviderConfig
    from imagegen_core.ports.blobs import BlobArchive
    from imagegen_core.ports.provider import Provider


@asynccontextmanager
async def open(  # noqa: A001 - `imagegen_adapters.open(...)` reads as what it is
    place: str | Path,
    *,
    keys: Mapping[str, str] = MappingProxyType({}),
    providers: "Mapping[str, ProviderConfig | Provider]" = MappingProxyType({}),
    archive: "BlobArchive | None" = None,
    data_dir: str | Path | None = None,
    allow_private: Iterable[str] = (),
    limits: "Limits | None" = None,
) -> "AsyncIterator[ImageGen]":
    """Keep images at a place, make new ones, and go on with what was interrupted.

    Args:
        place: a directory, which one process has at a time, or the URL of a PostgreSQL database.
        keys: API keys by the name of their provider, such as ``gemini``; the name implies the kind.
        providers: what is more than a key, by name: a configuration, or an adapter of your own.
        archive: where images are copied as well; give it an ``owner``, or it claims no prefix for itself.
        data_dir: scratch space of this process, only with a URL; a temporary directory when left out.
        allow_private: ``host:port`` of providers in your own network.
        limits: of the queue and the workers.

    Raises:
        ValidationFailed: a key or a configuration is not valid.
        DataDirectoryInUse: another process works in the directory.
        StorageError: the directory or the database cannot be used.
        MasterKeyRefused: the key that opens saved secrets cannot be used.
    """
    import tempfile

    from imagegen_adapters.compose import Options, compose  # with all that a service loads
    from imagegen_adapters.outbound.client import Outbound
    from imagegen_adapters.providers import compose_providers
    from imagegen_adapters.stores.directory import DataDirectory
    from imagegen_adapters.system import SystemClock
    from imagegen_core.config import ProviderConfig
    from imagegen_core.secrets import Redactor

    adapters = {name: value for name, value in providers.items() if not isinstance(value, ProviderConfig)}
    configs = _file_configs(keys, providers)
    is_shared = str(place).startswith(("postgresql:", "postgres:"))
    async with AsyncExitStack() as stack:
        clock, redactor = SystemClock(), Redactor()
        for secret in _secrets(str(place) if is_shared else ""):
            redactor.register(secret)
        outbound = Outbound(allow_private=[*allow_private])
        stack.push_async_callback(outbound.aclose)
        if is_shared and data_dir is None:
            data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="imagegen-"))
        directory = DataDirectory.open(Path(data_dir if is_shared and data_dir else place), create=True)
        stack.callback(directory.close)
        installed = compose_providers(clock, outbound, redactor)
        options = Options(
            directory=directory,
            database=str(place) if is_shared else None,
            environ=os.environ,
            outbound=outbound,
            providers={**installed, **adapters} if adapters else installed,  # a copy builds them all
            file_configs=configs,
            redactor=redactor,
            clock=clock,
            open_archive=lambda _: archive,
            limits=limits,
        )
        yield (await stack.enter_async_context(compose(options))).imagegen


def _secrets(url: str) -> Iterator[str]:
    """Yield what no log may show: the master key, and the password of a database's URL."""
    from urllib.parse import unquote, urlsplit

    if master_key := os.environ.get("IMAGEGEN_MASTER_KEY"):
        yield master_key
    password = urlsplit(url).password or os.environ.get("PGPASSWORD")
    if password:
        yield from {password, unquote(password)}


def _file_configs(
    keys: Mapping[str, str], providers: "Mapping[str, ProviderConfig | Provider]"
) -> "dict[str, ProviderConfig]":
    import attrs

    from imagegen_core.config import ConfigSource, ProviderConfig
    from imagegen_core.errors import ValidationFailed
    from imagegen_core.messages import ProblemCode
    from imagegen_core.secrets import Secret

    configs = {"demo": ProviderConfig(provider_name="demo", kind="demo", source=ConfigSource.FILE)}
    for name, value in providers.items():
        if isinstance(value, ProviderConfig):
            configs[name] = attrs.evolve(value, provider_name=name, source=ConfigSource.FILE)
        else:
            configs[name] = ProviderConfig(provider_name=name, kind=name, source=ConfigSource.FILE)
    for name, key in keys.items():
        if not key:
            raise ValidationFailed.for_field(f"keys.{name}", ProblemCode.EMPTY())
        base = configs.get(name) or ProviderConfig(provider_name=name, source=ConfigSource.FILE)
        configs[name] = attrs.evolve(base, api_key=Secret(key))
    return configs
