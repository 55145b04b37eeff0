"""The master key of all nodes on one PostgreSQL, and the tokens that it sealed there."""

from imagegen_adapters.secret_boxes.postgresql.master_key import PostgresqlMasterKey
from imagegen_adapters.secret_boxes.postgresql.sealed_rows import PostgresqlSealedRows

__all__ = ["PostgresqlMasterKey", "PostgresqlSealedRows"]
