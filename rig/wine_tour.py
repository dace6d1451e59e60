"""The tour of all faults under Wine.

Runs in the Linux Python, writes a page of pictures, ``build/tour/index.html``, and starts ``tour.py`` on a Wine
desktop. The desktop is in a network of its own: there the sandbox is the name server, the PC belongs to the sandbox's
domain, and the network can be switched off. Without the right to make one (root, or user namespaces) those few faults
are left out, and the page says so.
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
"""First argument of the second call, which runs in a network of its own."""
TRIAL = "ip link set lo up && mount --bind /etc/resolv.conf /etc/resolv.conf"
"""Succeeds if this machine can make such a network."""
NOT_APART = (
    "Pas de réseau à part : il faut être root, ou que le système le permette à chacun (user namespaces). "
    "Les pannes du service de noms et du réseau, et le script que le réseau offre, sont laissés de côté."
)
NAMES = "nameserver 127.0.0.1\noptions attempts:1\n"
ROUTE = ("default", "dev", "lo")
"""A default route to nowhere: with it the agent sees a network (``iea_agent.host.is_offline``)."""


def main(arguments: Sequence[str]) -> int:
    """Play the tour; *arguments* go to ``python -m rig tour``."""
    if arguments[:1] == [APART]:
        return play_apart(arguments[1:])
    for rights in ((), ("--user", "--map-root-user")):
        unshare = ("unshare", *rights, "--net", "--mount", "--uts")
        trial = subprocess.run([*unshare, "sh", "-c", TRIAL], capture_output=True, check=False, timeout=30)
        if trial.returncode == 0:
            command = [*unshare, sys.executable, "-m", "rig", "wine_tour", APART, *arguments]
            return subprocess.run(command, cwd=ROOT, check=False).returncode
    print(NOT_APART)
    return play(arguments)


def play_apart(arguments: Sequence[str]) -> int:
    """Play the tour in a network with loopback only, and the sandbox as name server."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "route", "add", *ROUTE)
    # Wine takes the PC's DNS domain from the host name
    run("hostname", f"poste.{DOMAIN}")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as names, closing(NetworkSwitch()) as switch:
        names.write(NAMES)
        names.flush()
        os.chmod(names.name, 0o644)
        # the real file: a bind mount follows no link
        target = str(Path("/etc/resolv.conf").resolve())
        run("mount", "--bind", names.name, target)
        ports = {"names": 53, "script": 80, "network": switch.port}
        given = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
        return play([*given, *arguments])


class NetworkSwitch:
    """Switches the network of this namespace as the sandbox orders.

    The orders are "off" and "on", over UDP on loopback.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop listening; the namespace ends with the process."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                order, sender = self._socket.recvfrom(16)
            except OSError:
                # close() was called
                return
            run("ip", "route", "del" if order == b"off" else "add", *ROUTE)
            self._socket.sendto(b"ok", sender)


def run(*command: str) -> None:
    """Run a system command to its end. Raises CalledProcessError."""
    subprocess.run(command, check=True, timeout=30)


def play(arguments: Sequence[str]) -> int:
    """Play the tour on a Wine desktop and print its output."""
    command = ("-m", "rig", "tour", "--system-proxy", "--output", windows_path(PAGE), *arguments)
    with Desktop() as desktop:
        process = desktop.start(*command)
        for line in process.stdout or ():
            print(line, end="", flush=True)
        return process.wait()
