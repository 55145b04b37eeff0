"""Whether every user of the machine can read the secrets of a settings file."""

import stat
from collections.abc import Iterator
from pathlib import Path

from imagegen_core.messages import Message
from imagegen_http.settings.database_url import passwords
from imagegen_http.settings.messages import SettingCode
from imagegen_http.settings.schema import Settings


def exposure_warning(settings: Settings, path: Path) -> Message | None:
    """Return a warning if the file has a secret of the settings in clear, and others can read it.

    They can where they may read it and enter each directory above it; its group is whom an operator chose.
    """
    try:
        text = path.read_text("utf-8")
        is_open = path.stat().st_mode & stat.S_IROTH and all(
            parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents
        )
    except (OSError, UnicodeDecodeError):  # there is none, or it is not read
        return None
    if not is_open or not any(secret in text for secret in _secrets(settings)):
        return None
    return SettingCode.READABLE_BY_ALL(path=str(path))


def _secrets(settings: Settings) -> Iterator[str]:
    secrets = [settings.server.auth_token]
    if (oss := settings.storage.oss) is not None:
        secrets += [oss.access_key_secret, oss.security_token]
    if (s3 := settings.storage.s3) is not None:
        secrets += [s3.access_key_secret, s3.session_token]
    secrets += [config.api_key.reveal() for config in settings.providers.values() if config.api_key]
    yield from filter(None, secrets)
    if settings.database is not None:
        yield from passwords(settings.database)
