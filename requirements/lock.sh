#!/bin/sh
# Compiles pyproject.toml and dev.in to runtime.txt and dev.txt: one lock for every platform and Python from 3.11 on,
# with hashes and with no index address in it. Existing pins stay unless the sources ask otherwise; UPGRADE=1 moves them.
set -eu
uv=$1
for name in runtime dev; do
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header ${UPGRADE:+--upgrade} \
        pyproject.toml $([ $name = dev ] && echo requirements/dev.in) -o "requirements/$name.txt"
done
