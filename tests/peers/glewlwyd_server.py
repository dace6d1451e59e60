"""Serve Debian's glewlwyd over HTTPS on loopback, the licences as its clients.

The licences come on stdin; the server ends when it is closed.

usage:  python glewlwyd_server.py CERTIFICATE.pem    (private key and chain in one file)
stdin:  one line, {"name": {"number": …, "key": …}, …}
stdout: one line when ready, {"issuer": "https://localhost:PORT/api/oidc"}
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

PROGRAM = "glewlwyd"
INSTALLED = Path("/usr/lib/glewlwyd")
SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
"""What Debian's package fills a new database with, an administrator included."""
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "deployment"
ADMINISTRATOR = {"username": "admin", "password": "password"}
START = 20.0  # seconds
WITHOUT_GRANT = "no-grant"
DISABLED = "suspended"
LIMITED = "limited"

CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="https://localhost:{port}"
api_prefix="api"
login_url="login.html"
log_mode="console"
log_level="WARNING"
cookie_secure=1
session_expiration=3600
session_key="SESSION"
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{installed}/user"
user_middleware_module_path="{folder}/middleware"
client_module_path="{installed}/client"
user_auth_scheme_module_path="{installed}/scheme"
plugin_module_path="{installed}/plugin"
use_secure_connection=true
secure_connection_key_file="{certificate}"
secure_connection_pem_file="{certificate}"
hash_algorithm="SHA256"
database={{ type="sqlite3" path="{folder}/glewlwyd.db" }}
"""


def serve(folder: Path, port: int, certificate: str) -> subprocess.Popen[bytes]:
    """Start the server with a new database."""
    database = sqlite3.connect(folder / "glewlwyd.db")
    database.executescript(SCHEMA.read_text(encoding="utf-8"))
    database.close()
    # it loads every file of such a folder, and fails without one
    (folder / "middleware").mkdir()
    file = folder / "glewlwyd.conf"
    file.write_text(
        CONFIGURATION.format(port=port, folder=folder, installed=INSTALLED, certificate=certificate),
        encoding="utf-8",
    )
    return subprocess.Popen([PROGRAM, "-c", file], stdin=subprocess.DEVNULL, stdout=sys.stderr)


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server accepts connections. Raises ``TimeoutError``."""
    deadline = time.monotonic() + START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("glewlwyd does not start")


def register(address: str, licences: Mapping[str, Mapping[str, str]]) -> None:
    """Make the OpenID provider, the scope and the clients, through its own interface."""
    # its certificate is ours, and it has just been started here
    with httpx.Client(base_url=address, verify=False, trust_env=False, timeout=START) as administrator:  # noqa: S501

        def post(path: str, content: Mapping[str, Any]) -> None:
            administrator.post(path, json=content).raise_for_status()

        post("/api/auth/", ADMINISTRATOR)
        post("/api/scope/", {"name": "iea", "display_name": "iea", "password_required": False})
        post("/api/scope/", {"name": "lecture", "display_name": "lecture", "password_required": False})
        plugin = read_example("glewlwyd-plugin.json")
        plugin["parameters"] |= {"iss": f"{address}/api/oidc", "key": "of no use to anybody"}
        post("/api/mod/plugin/", plugin)
        client = read_example("glewlwyd-client.json")
        for name, licence in licences.items():
            own: dict[str, Any] = {"client_id": licence["number"], "name": name, "password": licence["key"]}
            own |= {"enabled": False} if name == DISABLED else {}
            own |= {"scope": ["lecture"]} if name == LIMITED else {}
            own |= {"authorization_type": ["code"]} if name == WITHOUT_GRANT else {}
            post("/api/client/", client | own)


def read_example(name: str) -> dict[str, Any]:
    """Return what docs/deployment.md tells an operator to send."""
    example: dict[str, Any] = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return example


def main() -> None:
    licences = json.loads(sys.stdin.readline())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="glewlwyd-") as name:
        server = serve(Path(name), port, sys.argv[1])
        try:
            wait_for(server, port)
            address = f"https://localhost:{port}"
            register(address, licences)
            print(json.dumps({"issuer": f"{address}/api/oidc"}), flush=True)
            sys.stdin.read()
        finally:
            server.terminate()
            server.wait(START)


if __name__ == "__main__":
    main()
