#!/bin/sh
# Makes the virtual environment that the Makefile uses, or says in one sentence why it cannot.
# PYTHON=/path/to/python picks an interpreter; else the first of the usual names that is 3.11 or newer.
set -eu
venv=$1

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

found=
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
    if new_enough "$candidate"; then
        found=$candidate
        break
    fi
done
if [ -z "$found" ]; then
    echo "No Python 3.11 or newer found (tried: ${PYTHON:-python3, python3.11 to python3.14, python})." >&2
    echo "Install one, or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "$found cannot make virtual environments: its modules venv and ensurepip are missing." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv. Then run make again." >&2
    exit 1
fi
rm -rf "$venv"
"$found" -m venv "$venv"
