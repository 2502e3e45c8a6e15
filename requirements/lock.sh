#!/bin/sh
# Compiles pyproject.toml and the *.in files to *.txt: one lock for every platform and Python from 3.11 on, with hashes
# and with no index address in it. Existing pins stay unless the sources ask otherwise; UPGRADE=1 moves them.
set -eu
uv=$1
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header ${UPGRADE:+--upgrade} "$@"
}
# With what several API servers need: one image serves both forms.
compile pyproject.toml --extra several-api-servers -o requirements/runtime.txt
compile pyproject.toml --extra several-api-servers requirements/dev.in -o requirements/dev.txt
compile requirements/bootstrap.in --constraint requirements/dev.txt -o requirements/bootstrap.txt
