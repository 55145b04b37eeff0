"""How images are made, kept and found: adapters of the ports, and `open`, which joins them."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import imagegen_core  # noqa: F401 - so that the import of a module that is gone says where it is now

if TYPE_CHECKING:
    from imagegen_core import ImageGen, Limits
    from imagegen_core.config import ProviderConfig
    from imagegen_core.ports.blobs import BlobArchive
    from imagegen_core.ports.provider import Provider


def open(  # noqa: A001 - `imagegen_adapters.open(...)` reads as what it is
    place: str | Path,
    *,
    keys: Mapping[str, str] = MappingProxyType({}),
    providers: "Mapping[str, ProviderConfig | Provider]" = MappingProxyType({}),
    archive: "BlobArchive | None" = None,
    data_dir: str | Path | None = None,
    allow_private: Iterable[str] = (),
    limits: "Limits | None" = None,
) -> "AbstractAsyncContextManager[ImageGen]":
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
    from imagegen_adapters.compose import open_imagegen  # with all that a service loads

    return open_imagegen(
        place,
        keys=keys,
        providers=providers,
        archive=archive,
        data_dir=data_dir,
        allow_private=allow_private,
        limits=limits,
    )
