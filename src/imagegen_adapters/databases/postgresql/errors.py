"""Maps errors of asyncpg and of the server to storage errors, by one table.

Messages never quote the server, whose texts may contain values of rows, nor the address, which may contain a
password: a refused statement is reported by its SQLSTATE, whose meaning is in the server's manual
(https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable
from imagegen_core.messages import Message

FOREIGN_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""All that asyncpg raises; `TimeoutError` is an `OSError`."""

Row = tuple[type[StorageError], DatabaseCode]

_UNREACHABLE: Row = StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE
_REFUSES_TLS = "rejected SSL upgrade"
_NO_TLS: Row = StorageUnreachable, DatabaseCode.SERVER_WITHOUT_TLS
_TOO_SLOW: Row = StorageUnreachable, DatabaseCode.DATABASE_TOO_SLOW
_TOO_BUSY: Row = StorageUnreachable, DatabaseCode.DATABASE_TOO_BUSY
_CONFLICT: Row = StorageUnreachable, DatabaseCode.TRANSACTION_CONFLICT
_FAILED: Row = StorageError, DatabaseCode.SERVER_FAILED
_NO_ACCESS: Row = StorageUnreachable, DatabaseCode.SERVER_DENIES_ACCESS
_DRIVER_FAILED: Row = StorageUnreachable, DatabaseCode.DRIVER_FAILED
_REFUSED: Row = StorageError, DatabaseCode.DATABASE_REFUSED

REFUSALS = (
    *("03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25"),
    *("26", "27", "2B", "2D", "2F", "34", "38", "39", "3B", "42", "44", "54", "72", "HV", "P0"),
)
"""Classes of SQLSTATEs that a correct program does not cause."""

ROWS: dict[str, Row] = {
    **dict.fromkeys(REFUSALS, _REFUSED),
    "08": _UNREACHABLE,
    "25006": (StorageUnreachable, DatabaseCode.SERVER_READ_ONLY),
    "25P03": _TOO_SLOW,
    "28": _NO_ACCESS,
    "3D": _NO_ACCESS,
    "3F": _NO_ACCESS,
    "40": _CONFLICT,
    "42501": _NO_ACCESS,
    "53": _TOO_BUSY,
    "53100": (StorageFull, DatabaseCode.DISK_OF_DATABASE_FULL),
    "55": _CONFLICT,
    "57": _UNREACHABLE,
    "57014": _TOO_SLOW,
    "58": _FAILED,
    "F0": _FAILED,
    "XX": _FAILED,
    "XX001": (StorageBroken, DatabaseCode.DATABASE_DAMAGED),
    "XX002": (StorageBroken, DatabaseCode.DATABASE_DAMAGED),
}
"""By SQLSTATE or by its class, which are its first two characters; the longer one prevails.

What an operator has to set right, such as a right that was taken away, is right again without a new start of
this process, and tasks wait for it.
"""

CLIENT_ROWS: dict[type[Exception], Row] = {
    TimeoutError: _TOO_SLOW,
    ssl.SSLError: (StorageUnreachable, DatabaseCode.SERVER_TLS_FAILED),
    OSError: _UNREACHABLE,
    asyncpg.ClientConfigurationError: (StorageBroken, DatabaseCode.SERVER_DENIES_ACCESS),
    asyncpg.UnsupportedClientFeatureError: _REFUSED,
    asyncpg.UnsupportedServerFeatureError: _REFUSED,
    asyncpg.exceptions.TargetServerAttributeNotMatched: _UNREACHABLE,
    asyncpg.exceptions.OutdatedSchemaCacheError: _CONFLICT,
    asyncpg.DataError: _REFUSED,
    asyncpg.InterfaceError: _UNREACHABLE,
    asyncpg.InternalClientError: _DRIVER_FAILED,
    asyncpg.PostgresError: _FAILED,
}
"""Errors without SQLSTATE; the first class that fits prevails.

Of a connection that was cut off comes an interface error, or an internal error if that was in the middle of a
statement. Any other internal error is a defect of the driver, or of how it is used, so its text is logged.
"""

_log = logging.getLogger(__name__)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise the storage error for any error of asyncpg in the body.

    Raises:
        StorageError: see the table.
    """
    try:
        yield
    except FOREIGN_ERRORS as error:
        raise storage_error(error) from error


def storage_error(error: Exception) -> StorageError:
    """Return the storage error for an error of asyncpg."""
    state = getattr(error, "sqlstate", None) or ""
    kind, code = _row(error, state)
    if code is DatabaseCode.DRIVER_FAILED:
        _log.warning("the driver of the database failed", extra={"reason": str(error)})
    return kind(_message(code, state or type(error).__name__))


def _row(error: Exception, state: str) -> Row:
    row = ROWS.get(state) or ROWS.get(state[:2])
    if row is not None:
        return row
    if type(error) is ConnectionError and _REFUSES_TLS in str(error):  # asyncpg has no class for it
        return _NO_TLS
    return next((row for kind, row in CLIENT_ROWS.items() if isinstance(error, kind)), _FAILED)


def _message(code: DatabaseCode, detail: str) -> Message:
    return code(detail=detail) if code.placeholders else code()
