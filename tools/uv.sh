#!/bin/bash
# Makes build/uv: uv in the version, and with the hashes, that tools/uv.txt gives.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' tools/uv.txt)
[[ "$(build/uv/bin/uv --version 2>/dev/null)" != "uv $version"* ]] || exit 0
printf '\n== uv %s\n' "$version"
rm -rf build/uv
python3 -m venv build/uv
build/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement tools/uv.txt
