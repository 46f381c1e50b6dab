#!/bin/sh
# Makes the secrets of compose.yaml in ./secrets, once; those that are there stay.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
  echo "$PWD/secrets is there already."
  exit 0
fi
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
# The folder keeps others out; the files in it are read by the containers' own users.
mkdir -m 700 secrets
umask 022
password=$(random)
s3_key=$(random | cut -c1-20)
s3_secret=$(random)
printf '%s' "$password" >secrets/postgres-password
printf 'postgres://boatload:%s@postgres/boatload' "$password" >secrets/database-url
random >secrets/boatload-secret
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$s3_key" "$s3_secret" >secrets/aws-credentials
cat >secrets/s3.json <<JSON
{"identities": [{"name": "boatload", "credentials": [{"accessKey": "$s3_key", "secretKey": "$s3_secret"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
echo "$PWD/secrets is made."
