"""The tour of all faults on the Windows build under Wine; ends with a page of pictures, ``build/tour/index.html``.

The desktop stands in a network of its own, where the name server is the sandbox's, the PC belongs to the sandbox's domain and the network itself can be
taken away. Without the right to make one (root, or user namespaces) those few faults are left out, and the page says so.
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

from iea_sandbox.name_server import DOMAIN
from rig.build import BUILD, ROOT
from rig.desktop import Desktop
from rig.prefix import windows_path

PAGE = BUILD / "tour"
APART = "--apart"
"""Says to the second call of this module that it stands in its own network."""
TRIAL = "ip link set lo up && mount --bind /etc/resolv.conf /etc/resolv.conf"
"""Goes well where a network of one's own can be made as it has to be."""
NOT_APART = (
    "Pas de réseau à part : il faut être root, ou que le système le permette à chacun (user namespaces). "
    "Les pannes du service de noms et du réseau, et le script que le réseau offre, sont laissés de côté."
)
NAMES = "nameserver 127.0.0.1\noptions attempts:1\n"
ROUTE = ("default", "dev", "lo")
"""A way out that leads nowhere: what the agent takes for being connected (``iea_agent.host.is_offline``)."""


def main(arguments: Sequence[str]) -> int:
    """Play the tour; *arguments* go to ``python -m rig tour``."""
    if arguments[:1] == [APART]:
        return apart(arguments[1:])
    for rights in ((), ("--user", "--map-root-user")):
        unshare = ("unshare", *rights, "--net", "--mount", "--uts")
        tried = subprocess.run([*unshare, "sh", "-c", TRIAL], capture_output=True, check=False, timeout=30)
        if tried.returncode == 0:
            command = [*unshare, sys.executable, "-m", "rig", "wine_tour", APART, *arguments]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
    print(NOT_APART)
    return play(arguments)


def apart(arguments: Sequence[str]) -> int:
    """The tour in a network of its own: nothing but loopback, and the sandbox to ask for names."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "route", "add", *ROUTE)
    run("hostname", f"poste.{DOMAIN}")  # where Wine has the PC's DNS domain from
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as names, closing(NetworkSwitch()) as switch:
        names.write(NAMES)
        names.flush()
        os.chmod(names.name, 0o644)
        # the real file: a bind mount does not stop at a link
        target = str(Path("/etc/resolv.conf").resolve())
        run("mount", "--bind", names.name, target)
        ports = {"names": 53, "script": 80, "network": switch.port}
        given = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
        return play([*given, *arguments])


class NetworkSwitch:
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
            run("ip", "route", "del" if word == b"off" else "add", *ROUTE)
            self._socket.sendto(b"ok", who)


def run(*command: str) -> None:
    """Run a command of the system's that does its work and ends. Raises CalledProcessError."""
    subprocess.run(command, check=True, timeout=30)


def play(arguments: Sequence[str]) -> int:
    """The tour on a desktop of its own; what it says is passed on."""
    command = ("-m", "rig", "tour", "--system-proxy", "--output", windows_path(PAGE), *arguments)
    with Desktop() as desktop:
        process = desktop.start(*command)
        for line in process.stdout or ():
            print(line, end="", flush=True)
        return process.wait()
