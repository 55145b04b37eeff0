"""Every error of asyncpg is a storage error, by a row of the table."""

import ssl

import asyncpg
import pytest

from imagegen_adapters.stores import DatabaseCode
from imagegen_adapters.stores.postgresql.database import (
    CLIENT_ROWS,
    FOREIGN_ERRORS,
    ROWS,
    storage_error,
    storage_errors,
)
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, StorageUnreachable

ERRORS = [
    error
    for error in vars(asyncpg.exceptions).values()
    if isinstance(error, type) and issubclass(error, Exception) and not issubclass(error, Warning)
]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_row(error):
    """By the class of its SQLSTATE, which is named in the table, or by its own."""
    state = getattr(error, "sqlstate", None)

    assert issubclass(error, FOREIGN_ERRORS)
    assert state[:2] in ROWS if state else any(issubclass(error, kind) for kind in CLIENT_ROWS)
    assert isinstance(storage_error(error("x")), StorageError)


def test_each_row_of_a_state_is_reached():
    """There is an error for it: a row for a state that is none would be a slip."""
    states = {error.sqlstate for error in ERRORS if getattr(error, "sqlstate", None)}

    assert set() == {key for key in ROWS if not any(state.startswith(key) for state in states)}


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (asyncpg.ConnectionDoesNotExistError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
        (asyncpg.AdminShutdownError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
        (asyncpg.CannotConnectNowError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
        (asyncpg.TooManyConnectionsError, StorageUnreachable, DatabaseCode.DATABASE_TOO_BUSY),
        (asyncpg.QueryCanceledError, StorageUnreachable, DatabaseCode.DATABASE_TOO_SLOW),
        (asyncpg.ReadOnlySQLTransactionError, StorageUnreachable, DatabaseCode.SERVER_READ_ONLY),
        (asyncpg.DeadlockDetectedError, StorageUnreachable, DatabaseCode.TRANSACTION_CONFLICT),
        (asyncpg.DiskFullError, StorageFull, DatabaseCode.DISK_OF_DATABASE_FULL),
        (asyncpg.DataCorruptedError, StorageBroken, DatabaseCode.DATABASE_DAMAGED),
        (asyncpg.InsufficientPrivilegeError, StorageUnreachable, DatabaseCode.SERVER_DENIES_ACCESS),
        (asyncpg.InvalidPasswordError, StorageUnreachable, DatabaseCode.SERVER_DENIES_ACCESS),
        (asyncpg.InvalidCatalogNameError, StorageUnreachable, DatabaseCode.SERVER_DENIES_ACCESS),
        (asyncpg.UniqueViolationError, StorageError, DatabaseCode.DATABASE_REFUSED),
        (asyncpg.ClientConfigurationError, StorageBroken, DatabaseCode.SERVER_DENIES_ACCESS),
        (asyncpg.InterfaceError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
        (asyncpg.InternalClientError, StorageUnreachable, DatabaseCode.DRIVER_FAILED),
        (asyncpg.ProtocolError, StorageUnreachable, DatabaseCode.DRIVER_FAILED),
        (TimeoutError, StorageUnreachable, DatabaseCode.DATABASE_TOO_SLOW),
        (ssl.SSLCertVerificationError, StorageUnreachable, DatabaseCode.SERVER_TLS_FAILED),
        (ConnectionError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
        (ConnectionRefusedError, StorageUnreachable, DatabaseCode.SERVER_UNREACHABLE),
    ],
)
def test_an_error_says_whether_it_passes(error, kind, code):
    """A server that is away, busy, or wrongly set up may answer later; a full disk has its own kind."""
    result = storage_error(error("x"))

    assert (kind, code) == (type(result), result.reason.code)


def test_no_message_quotes_the_server():
    """Its text may contain values of rows, and that of the driver a password."""
    error = asyncpg.UniqueViolationError("Key (api_key)=(sk-0123456789abcdef) already exists")
    config = asyncpg.ClientConfigurationError("invalid DSN: postgresql://me:secret@host")

    assert ["the database refused: 23505", False] == [
        str(storage_error(error)),
        "secret" in str(storage_error(config)),
    ]


def test_what_the_driver_says_of_itself_is_logged(caplog):
    """It may be a defect, and nothing else tells of it."""
    result = storage_error(asyncpg.InternalClientError("cannot switch to state 3"))

    assert "the driver of the database failed: InternalClientError" == str(result)
    assert ["cannot switch to state 3"] == [record.reason for record in caplog.records]


def test_what_is_not_of_the_database_passes():
    """An error of the caller's own is raised as it is."""
    with pytest.raises(KeyError), storage_errors():
        raise KeyError
