#!/bin/bash
# Copies the primary once, then follows it. After `pg_ctl promote` it is the primary, and stays it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install -d -m 700 -o postgres -g postgres "$PGDATA"
    PGPASSWORD=$REPLICATION_PASSWORD gosu postgres pg_basebackup -D "$PGDATA" --write-recovery-conf --checkpoint=fast \
        -d "host=primary user=replication application_name=standby"
fi
# Without a standby of its own it must not wait for one after its promotion.
exec gosu postgres postgres -c max_connections=200 -c shared_buffers=512MB -c synchronous_standby_names=
