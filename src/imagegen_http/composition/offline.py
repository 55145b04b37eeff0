"""The work of commands on a data directory without a service."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from imagegen_adapters import compose
from imagegen_adapters.backup import BackupReport, Progress, write_backup
from imagegen_adapters.kinds import compose_providers
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.restore import RestoreReport, restore_backup
from imagegen_adapters.secrets import (
    FernetSecretBox,
    MasterKeyRefused,
    parse_keys,
    read_keys,
    reseal,
    rotate_master_key,
    write_witness,
)
from imagegen_adapters.stores.configs import SqlSealedRows
from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.messages import KeyCode
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.system import SystemClock
from imagegen_core.errors import Unavailable
from imagegen_core.messages import Message
from imagegen_core.resolving import ProviderKinds
from imagegen_http.composition.archives import open_archive
from imagegen_http.composition.provider_listing import check_default_provider
from imagegen_http.composition.providers import check_file_providers
from imagegen_http.composition.service import require_cluster
from imagegen_http.settings.schema import Settings, SettingsError
from imagegen_http.settings.words import SettingCode

__all__ = ["BackupReport", "RestoreReport", "backup", "check_settings", "restore", "rotate_keys"]


async def check_settings(settings: Settings) -> list[Message]:
    """Check the settings that only the adapters can judge; nothing is created and no request is sent.

    Returns:
        Warnings about settings that look wrong but prevent nothing.

    Raises:
        SettingsError: a setting is not valid; the message names the key.
    """
    outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
    try:
        kinds = ProviderKinds(adapters=compose_providers(SystemClock(), outbound))
        warnings = check_file_providers(kinds, settings.providers)
        if settings.database is not None:
            require_cluster()
        archive = open_archive(settings, outbound.gate)
        if archive is not None:
            await archive.aclose()
        warning = await check_default_provider(settings)
        return warnings if warning is None else [*warnings, warning]
    finally:
        await outbound.aclose()


def backup(settings: Settings, target: Path, *, force: bool, progress: Progress) -> BackupReport:
    """Write database, images and spooled inputs to one file, beside a running service or without one.

    Raises:
        SettingsError: the database is not in the data directory.
    """
    _check_one_box(settings)
    now = SystemClock().now()
    return write_backup(settings.data_dir, target, now=now, force=force, progress=progress)


def restore(settings: Settings, file: BinaryIO, *, progress: Progress) -> RestoreReport:
    """Fill an empty data directory from a backup file that is open for reading.

    Raises:
        SettingsError: the database is not to be in the data directory.
    """
    _check_one_box(settings)
    return restore_backup(file, settings.data_dir, now=SystemClock().now(), progress=progress)


def _check_one_box(settings: Settings) -> None:
    if settings.database is not None:
        raise SettingsError("database", SettingCode.NOT_IN_DATA_DIRECTORY())


async def rotate_keys(settings: Settings, environ: Mapping[str, str]) -> int:
    """Rotate to a new master key, or to the first one in the environment variable.

    Returns:
        How many saved secrets were sealed again.

    Raises:
        DataDirectoryInUse: a service works in the data directory.
        DataDirectoryMissing: there is no data directory.
        MasterKeyRefused: there is no key to rotate, or none to rotate to.
        Unavailable: a saved secret opens with none of the keys; nothing was changed.
    """
    variable = environ.get("IMAGEGEN_MASTER_KEY")
    if settings.database is not None:
        rotated: int = await compose.rotate_keys(settings.database, variable)
        return rotated
    if not variable and read_keys(settings.data_dir) is None:
        raise MasterKeyRefused(KeyCode.NO_MASTER_KEY_FILE())
    directory = DataDirectory.open(settings.data_dir, create=False)
    try:
        database = Database.open(directory.database)
        try:
            rows = SqlSealedRows(SqliteSql(database))
            if variable:
                return await _reseal(directory.path, variable, rows)
            return await rotate_master_key(directory.path, rows)
        finally:
            await database.close()
    finally:
        directory.close()


async def _reseal(directory: Path, variable: str, rows: SqlSealedRows) -> int:
    keys = parse_keys(variable)
    if len(keys) == 1:
        raise MasterKeyRefused(KeyCode.ONE_KEY_ONLY())
    tokens = [row.token async for row in rows.all()]
    box = FernetSecretBox.for_inspection(directory, environment_keys=variable, tokens=tokens)
    if box.locked:
        raise Unavailable(KeyCode.SAVED_KEYS_LOCKED(reason=box.lock_reason or KeyCode.MASTER_KEY_MISSING()))
    count = await reseal(box, rows)
    write_witness(directory, box.new_witness())
    return count
