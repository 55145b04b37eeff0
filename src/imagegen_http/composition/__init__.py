"""Chooses the adapters: no other package here names any.

``service`` builds the running service, ``backends`` what depends on its database, ``storage`` its image
stores, ``providers`` the provider adapters, ``offline`` what commands do to a data directory without a
service. ``imagegen_http.doctor`` names them, too, for its checks.
"""

from imagegen_adapters.secrets import MasterKeyRefused
from imagegen_adapters.stores.directory import DataDirectoryInUse, DataDirectoryUnusable
from imagegen_adapters.stores.schema import MoveUnfinished, SchemaTooNew, SchemaUnusable
from imagegen_adapters.stores.sqlite.engine import DatabaseUnusable, sqlite_warning
from imagegen_adapters.system import new_id
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
    "compose",
    "default_provider_warning",
    "new_id",
    "sqlite_warning",
]
