#!/bin/bash
# Sets up a Debian 12 or 13 machine for this project: Debian packages, uv, the locked Python packages, the Windows side.
# usage: tools/setup.sh [--installer | --web]   also what makes the launchers and the setup, or the browser for the desk's pages
# All but the Debian packages goes into build/ and .venv/; what is up to date is not touched.
set -euo pipefail
cd "$(dirname "$0")/.."

PACKAGES=(
    ca-certificates python3 python3-venv
    wine wine64 fonts-wine xvfb xdotool openbox iproute2 osslsigncode  # the Windows rig
    locales                                                    # French for Windows: the setup speaks the language of the system
    nginx-light squid tinyproxy haproxy winbind dbus gnome-keyring  # real servers and a real vault for the tests
    glewlwyd dbconfig-sqlite3                                  # one more; without the second it brings MySQL's client
)
[[ "${1:-}" != --installer ]] || PACKAGES+=(gcc-mingw-w64-x86-64-win32 nsis wixl msitools)
[[ "${1:-}" != --web ]] || PACKAGES+=(chromium fonts-dejavu-core)
command -v node >/dev/null || PACKAGES+=(nodejs)
command -v npm >/dev/null || PACKAGES+=(npm)

say() { printf '\n== %s\n' "$*"; }

missing=()
for package in "${PACKAGES[@]}"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
    say "Debian packages: ${missing[*]}"
    root=()
    ((EUID == 0)) || root=(sudo)
    install=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
    # the usual reason for a first failure is a list of packages that is missing or out of date
    "${install[@]}" || { "${root[@]}" apt-get update && "${install[@]}"; }
fi

tools/uv.sh

export UV_PYTHON_DOWNLOADS=never
if ! build/uv/bin/uv sync --frozen --all-groups --check --quiet 2>/dev/null; then
    say "Python packages into .venv"
    build/uv/bin/uv sync --frozen --all-groups
fi

.venv/bin/python -m rig build
