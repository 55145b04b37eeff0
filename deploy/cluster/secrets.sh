#!/bin/sh
# Makes the secrets of a new cluster, each in the file of those who need it: postgresql.env, s3.env and node.env.
# Keep a copy elsewhere: without IMAGEGEN_MASTER_KEY the saved keys of providers are lost.
set -eu
cd -- "$(dirname -- "$0")"
umask 077
for file in postgresql.env s3.env node.env; do
    [ ! -e "$file" ] || { echo "$file is here already; its secrets are in use" >&2; exit 1; }
done
secret() { head -c "${1:-24}" /dev/urandom | base64 | tr '+/' '-_'; }
password=$(secret) s3_key=$(secret) s3_secret=$(secret)
cat >postgresql.env <<END
POSTGRES_USER=imagegen
POSTGRES_PASSWORD=$password
REPLICATION_PASSWORD=$(secret)
END
cat >s3.env <<END
ROOT_ACCESS_KEY=$s3_key
ROOT_SECRET_KEY=$s3_secret
END
cat >node.env <<END
DATABASE_URL=postgresql://imagegen:$password@primary,standby/imagegen?target_session_attrs=read-write
S3_ENDPOINT=http://s3:7070
S3_ACCESS_KEY_ID=$s3_key
S3_ACCESS_KEY_SECRET=$s3_secret
AUTH_TOKEN=$(secret)
IMAGEGEN_MASTER_KEY=$(secret 32)
END
