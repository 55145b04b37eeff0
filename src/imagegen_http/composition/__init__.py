"""Chooses the adapters: no other package here names any.

``service`` builds the running service, ``backends`` what depends on its database, ``storage`` its image
stores, ``providers`` the provider adapters, ``offline`` what commands do to a data directory without a
service, ``checkup`` the checks of `doctor`.
"""

from imagegen_adapters.databases.data_directory import DataDirectoryInUse, DataDirectoryUnusable
from imagegen_adapters.identifiers.uuid7 import new_id
from imagegen_adapters.redactors.log_events import redact_event
from imagegen_adapters.redactors.patterns import PatternRedactor
from imagegen_adapters.secrets import MasterKeyRefused
from imagegen_adapters.stores.schema import MoveUnfinished, SchemaTooNew, SchemaUnusable
from imagegen_adapters.stores.sqlite.engine import DatabaseUnusable, sqlite_warning
from imagegen_http.composition.provider_listing import default_provider_warning
from imagegen_http.composition.service import compose

UNRECOVERABLE_ERRORS = (
    DataDirectoryUnusable,
    DatabaseUnusable,
    SchemaTooNew,
    SchemaUnusable,
    MoveUnfinished,
    MasterKeyRefused,
)
"""Errors that keep the service from starting until an operator has fixed the cause."""

__all__ = [
    "UNRECOVERABLE_ERRORS",
    "DataDirectoryInUse",
    "PatternRedactor",
    "compose",
    "default_provider_warning",
    "new_id",
    "redact_event",
    "sqlite_warning",
]
