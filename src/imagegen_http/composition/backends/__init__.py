"""What a node works on: the data directory of one box, or a database server that several nodes share."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import ModuleType

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_core.ports.blobs import RunningChecksum
from imagegen_core.ports.tools import Clock
from imagegen_http.composition.backends import one_box
from imagegen_http.composition.backends.backend import Backend
from imagegen_http.settings.schema import Settings, SettingsError
from imagegen_http.settings.words import SettingCode

__all__ = ["Backend", "cluster_module", "open_backend"]


def open_backend(
    settings: Settings,
    directory: DataDirectory,
    *,
    environ: Mapping[str, str],
    version: str,
    clock: Clock,
    checksum: Callable[[], RunningChecksum] | None,
    create: bool,
) -> AbstractAsyncContextManager[Backend]:
    """Open the backend of the settings.

    Args:
        settings: say which one.
        directory: belongs to this process.
        environ: may contain the master key.
        version: of this program.
        clock: tells this process the time.
        checksum: makes the checksum of the archive, to compute it while an image is written.
        create: whether a missing master key may be made.

    Raises:
        StorageError: it cannot be used.
        MasterKeyRefused: the master key cannot be used.
        SettingsError: a package that it needs is not installed.
    """
    if settings.database is None:
        return one_box.open_backend(
            directory,
            environ=environ,
            clock=clock,
            checksum=checksum,
            create=create,
            keep_inputs=settings.storage.keep_inputs,
        )
    return cluster_module().open_backend(  # type: ignore[no-any-return] # a module has no type of its own
        settings, directory, environ=environ, version=version, clock=clock, checksum=checksum
    )


def cluster_module() -> ModuleType:
    """Return the module that opens a cluster's backend; few services need what it loads.

    Raises:
        SettingsError: a package that it needs is not installed.
    """
    try:
        from imagegen_http.composition.backends import cluster
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise SettingsError("database", SettingCode.EXTRA_MISSING(extra="cluster")) from error
    return cluster
