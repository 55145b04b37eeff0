"""The archive of images that the settings name: OSS, S3, or none."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from imagegen_adapters.archives.claim import InstallationId, PrefixClaim
from imagegen_adapters.outbound.addresses import AddressGate
from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.blobs import BlobArchive, RunningChecksum
from imagegen_core.secrets import Secret
from imagegen_http.settings.schema import OssSettings, S3Settings, Settings, SettingsError

CHECKPOINTS = "uploads"
_IDLE_SECONDS = 30.0


class OpenArchive(BlobArchive, Protocol):
    """An archive with what the composition needs of it beside the port."""

    @property
    def new_checksum(self) -> Callable[[], RunningChecksum]:
        """Makes the running checksum that the archive compares by."""
        ...

    @property
    def prefix(self) -> PrefixClaim:
        """Says whose the prefix of the settings is."""
        ...

    async def aclose(self) -> None:
        """Cut its connections."""
        ...


def open_archive(
    settings: Settings,
    gate: AddressGate,
    *,
    checkpoints: Path | None = None,
    owner: InstallationId | None = None,
    idle_seconds: float = _IDLE_SECONDS,
) -> OpenArchive | None:
    """Return the archive of the settings, if there is one; no request is sent yet.

    Args:
        settings: what to open.
        gate: which addresses may be connected to.
        checkpoints: where OSS remembers interrupted uploads.
        owner: returns the id of the installation, for which the first request claims the prefix.
        idle_seconds: how long a response may stand still.

    Raises:
        SettingsError: its settings are not valid.
    """
    oss, s3 = settings.storage.oss, settings.storage.s3
    try:
        if oss is not None:
            return _open_oss(oss, gate, checkpoints, owner, idle_seconds)
        return None if s3 is None else _open_s3(s3, gate, owner, idle_seconds)
    except ValidationFailed as error:
        raise SettingsError.from_problem(error.problems[0]) from error


def archive_secrets(settings: Settings) -> list[str | None]:
    """Return what must not appear in any log."""
    oss, s3 = settings.storage.oss, settings.storage.s3
    secrets = [oss.access_key_id, oss.access_key_secret, oss.security_token] if oss else []
    return secrets + ([s3.access_key_id, s3.access_key_secret, s3.session_token] if s3 else [])


# Both are imported where they are opened, since they take megabytes, and many services have no archive.


def _open_oss(
    settings: OssSettings,
    gate: AddressGate,
    checkpoints: Path | None,
    owner: InstallationId | None,
    idle_seconds: float,
) -> OpenArchive:
    from imagegen_adapters.archives import oss

    bucket = oss.OssSettings(
        endpoint=settings.endpoint,
        region=settings.region,
        bucket=settings.bucket,
        access_key_id=settings.access_key_id,
        access_key_secret=Secret(settings.access_key_secret),
        session_token=None if settings.security_token is None else Secret(settings.security_token),
        prefix=settings.prefix,
        idle_timeout=idle_seconds,
    )
    return oss.OssBlobArchive(bucket, gate=gate, checkpoints=checkpoints, owner=owner)


def _open_s3(
    settings: S3Settings,
    gate: AddressGate,
    owner: InstallationId | None,
    idle_seconds: float,
) -> OpenArchive:
    from imagegen_adapters.archives import s3

    bucket = s3.S3Settings(
        endpoint=settings.endpoint,
        region=settings.region,
        bucket=settings.bucket,
        access_key_id=settings.access_key_id,
        access_key_secret=Secret(settings.access_key_secret),
        session_token=None if settings.session_token is None else Secret(settings.session_token),
        prefix=settings.prefix,
        is_virtual_hosted=settings.virtual_host,
        idle_timeout=idle_seconds,
    )
    return s3.S3BlobArchive(bucket, gate=gate, owner=owner)
