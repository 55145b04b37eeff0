#!/bin/bash
# Runs once, when the primary makes its database: lets the standby follow it, and from the next start on waits for it.
# Not at this start: there is no standby yet, so that nothing could be committed.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -v password="$REPLICATION_PASSWORD" <<'END'
CREATE ROLE replication LOGIN REPLICATION PASSWORD :'password';
ALTER SYSTEM SET synchronous_standby_names = 'standby';
END
echo "host replication replication all scram-sha-256" >>"$PGDATA/pg_hba.conf"
