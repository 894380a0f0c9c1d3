#!/bin/sh
# Puts secrets from a vault on this machine in the place of the tags in request.http.
# Everything it makes lies in a temporary folder, which is removed at the end.
set -eu

here=$(dirname "$0")
UNVAULT_HOME=$(mktemp -d)
export UNVAULT_HOME
trap 'rm -rf "$UNVAULT_HOME"' EXIT
trap 'exit 1' HUP INT TERM

# What the environment says of a local vault must not lead to a real one.
for name in BLOCK EXTENSIONS PASSPHRASE LOCAL_TYPE LOCAL_PATH LOCAL_PASSPHRASE; do
  unset "UNVAULT_$name" "INSOMNIA_$name"
done

say() {
  printf '\n%s\n\n' "$*"
}

say "1. Two secrets go into an encrypted vault on this machine, each through a pipe."
printf '  '
printf %s 'demo-key-51H8' | unvault local set billing/api-key 2>&1
printf '  '
printf %s '{"user": "billing", "password": "correct horse"}' | unvault local set billing/db 2>&1

say "2. This is examples/request.http. Its vault tags name the secrets; the one with three arguments is as Insomnia writes it."
sed 's/^/  /' "$here/request.http"

say "3. unvault render examples/request.http"
rendered=$(unvault render "$here/request.http")
printf '%s\n' "$rendered" | sed 's/^/  /'

say "The tags are replaced, and all else is as it was: {{ ... }} is for somebody else.
The demo's vault was temporary and is removed now: yours is as it was.
Go on with: $(command -v unvault) --help"
