#!/bin/sh
# Installs the lock into the virtual environment: with uv in seconds, or with pip (the same hashes) where uv cannot be had.
set -eu
venv=$1
pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --require-hashes "$@"
}
if pip -r requirements/bootstrap.txt && VIRTUAL_ENV="$venv" "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" \
    --require-hashes --compile-bytecode -r requirements/dev.txt; then
    exit 0
fi
echo "uv could not install the lock; pip does it, which takes some minutes." >&2
pip --compile -r requirements/dev.txt
