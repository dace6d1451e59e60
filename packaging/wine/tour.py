"""The tour of all faults on the Windows build under Wine; ends with a page of pictures, ``build/tour/index.html``.

The desktop stands in a network of its own, where the name server is the sandbox's and the network itself can be taken away. Without the right to
make one (root, or user namespaces) those few faults are left out, and the page says so.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from wine.build import BUILD, ROOT
from wine.desktop import Desktop
from wine.prefix import windows_path

PAGE = BUILD / "tour"
APART = "--apart"
"""Says to the second call of this module that it stands in its own network."""
NAMES = "nameserver 127.0.0.1\noptions attempts:1\n"
ROUTE = ("default", "dev", "lo")
"""A way out that leads nowhere: what the agent takes for being connected (``iea_agent.host.no_network``)."""


def main(arguments: Sequence[str]) -> int:
    """Play the tour; *arguments* go to ``iea-sandbox tour``."""
    if arguments[:1] == [APART]:
        return apart(arguments[1:])
    for how in (("--net", "--mount"), ("--user", "--map-root-user", "--net", "--mount")):
        if (
            subprocess.run(["unshare", *how, "true"], capture_output=True, check=False, timeout=30).returncode
            == 0
        ):
            command = ["unshare", *how, sys.executable, "-m", "wine.tour", APART, *arguments]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
    print(
        "Pas de réseau à part sur cette machine : les pannes du service de noms et du réseau sont laissées de côté."
    )
    return play(arguments)


def apart(arguments: Sequence[str]) -> int:
    """The tour in a network of its own: nothing but loopback, and the sandbox to ask for names."""
    ip("link", "set", "lo", "up")
    ip("route", "add", *ROUTE)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as names, closing(Switch()) as switch:
        names.write(NAMES)
        names.flush()
        os.chmod(names.name, 0o644)
        # the real file: a bind mount does not stop at a link
        target = str(Path("/etc/resolv.conf").resolve())
        subprocess.run(["mount", "--bind", names.name, target], check=True, timeout=30)
        return play(["--names-port", "53", "--network-port", str(switch.port), *arguments])


class Switch:
    """Takes the network of this namespace away and gives it back, as the sandbox asks: "off" and "on" over UDP on loopback."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """The process ends soon, and the namespace with it."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                word, who = self._socket.recvfrom(16)
            except OSError:  # closed
                return
            ip("route", "del" if word == b"off" else "add", *ROUTE)
            self._socket.sendto(b"ok", who)


def ip(*arguments: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *arguments], check=True, timeout=30)


def play(arguments: Sequence[str]) -> int:
    """The tour on a desktop of its own; what it says is passed on."""
    command = ("-m", "iea_sandbox.cli", "tour", "--system-proxy", "--output", windows_path(PAGE), *arguments)
    with Desktop() as desktop:
        process = desktop.start(*command)
        for line in process.stdout or ():
            print(line, end="", flush=True)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
