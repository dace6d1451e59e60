"""The tour: play every fault to this machine's agent, and write a page about it.

Runs on the desktop itself: on Windows with the settings window and its picture, on Linux with the command
``iea-agent test`` alone. ``wine_tour.py`` starts it under Wine. Each fault is compared with the problem that the
tests expect of it (``tests/services/fault_table.py``).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from iea_agent import locale
from iea_agent.domain.diagnosis import Server
from iea_agent.domain.documents import ServersTestDocument
from iea_agent.domain.problems import CATALOGUE
from iea_agent.shell.wording import report_text
from iea_desk.keys import DeskError
from iea_desk.request_files import open_request, open_text
from iea_sandbox.authority import NAME
from iea_sandbox.cli import add_home_option, add_port_options
from iea_sandbox.faults import FAULTS, SERVERS, Fault, Layer, ServerName, UnknownFault
from iea_sandbox.proxy import USER
from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from rig.tour_page import SANDBOX_NAMES, Scene, code_of, count_left_out, render_page
from tests.services.fault_table import ALTERNATIVES, PLAYED_BY_THE_TOUR, expected_problem

AGENT = (sys.executable, "-m", "iea_agent")
_PATIENCE = 60.0  # seconds for a test, its search for repairs included, on a busy machine
_WORTH_TWO = 8  # faults for which a second world is worth its start

_WITH_SECRET = (
    "no-token",
    "empty-token",
    "grant-unsupported",
    "method-unsupported",
    "post-only",
    "scope-missing",
    "refused",
    "refused-silently",
    "unknown",
    "wrong-key",
    "proxy-password-refused",
)
"""Faults that only an installation with a licence, or with a proxy's password, meets."""
_WINDOW_ONLY = ("proxy-needed",)
"""Faults that the window reports and the command does not, because it searches no repairs."""
_TYPED_PROBLEM = "IEA-C02"
"""The problem that the window reports beside the field, without its code."""

Expectation = Callable[[Fault, ServerName], Collection[str]]
"""Gives the codes of the problems that the test of a server may report of a fault; "" stands for none."""


class TourWindow(Protocol):
    """``settings_window.SettingsWindow``, which exists on Windows only."""

    def test(self, addresses: Sequence[str], seconds: float) -> list[str]:
        """Test the servers and return the window's texts. Raises TimeoutError."""

    def picture(self, file: Path) -> tuple[int, int] | None:
        """Write a PNG of the window and return its size."""

    def close(self) -> None:
        """Close the window if it is open."""


class ProxySetting(Protocol):
    """``windows_proxy.WindowsProxy``, which exists on Windows only."""

    def use_server(self, address: str) -> None:
        """Send everything through a proxy."""

    def use_script(self, address: str) -> None:
        """Follow a proxy script."""

    def use_detection(self) -> None:
        """Follow the proxy script that the network offers."""

    def restore(self) -> None:
        """Restore the setting from before the tour."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the tour may use and change on this machine."""

    windows: bool = sys.platform == "win32"
    """Play the faults in the settings window too, and take its picture."""
    system_proxy: bool = False
    """Change Windows' proxy setting."""
    names_port: int = 0
    script_port: int = 0
    network_port: int | None = None
    """The ports of the world's services; see ``World``."""


def expected_codes(fault: Fault, server: ServerName) -> Collection[str]:
    """Return the codes that the tests allow for *fault*; "" stands for none."""
    problem = expected_problem(fault.name, server)
    alternative = ALTERNATIVES.get(fault.name)
    return {problem.code if problem else "", *([alternative.problem.code] if alternative else [])}


class Tour:
    """An installation of this machine's agent, and a world to break for it."""

    def __init__(
        self,
        world: World,
        folder: Path,
        pictures: Path,
        bench: Bench,
        expectation: Expectation = expected_codes,
    ) -> None:
        """Write the installation's files and its licence in *folder*.

        *pictures* receives the pictures of its window.
        """
        self._world = world
        self._home = folder / "agent"
        self._pictures = pictures
        self._expectation = expectation
        self._settings = ""
        self._environment = {
            **os.environ,
            "IEA_AGENT_HOME": str(self._home),
            "IEA_AGENT_LANG": "fr",
            "PYTHONUTF8": "1",
        }
        self._window: TourWindow | None = None
        self._proxy: ProxySetting | None = None
        if sys.platform == "win32":
            from rig.settings_window import SettingsWindow
            from rig.windows_proxy import WindowsProxy

            self._window = SettingsWindow(AGENT, self._environment) if bench.windows else None
            self._proxy = WindowsProxy() if bench.system_proxy else None
        shutil.rmtree(self._home, ignore_errors=True)
        self._write_settings("")
        self._has_licence = self._save_licence()
        self._resolves_names = _resolves_names()

    def close(self) -> None:
        """Close the window and restore Windows' proxy setting."""
        if self._window is not None:
            self._window.close()
        if self._proxy is not None:
            self._proxy.restore()

    def play(self, fault: Fault | None) -> Scene:
        """Switch *fault* on (None: nothing), test the servers, and repair the world."""
        scene = Scene(fault)
        began = time.monotonic()
        try:
            scene.left_out = self._reason_to_leave_out(fault) if fault else ""
            if not scene.left_out:
                self._break(fault)
                self._test_servers(scene)
        except UnknownFault as error:
            scene.left_out = str(error)
        finally:
            self._world.mend()
            if fault and fault.name == "proxy-password-refused" and not scene.left_out:
                self._send_secret("proxy", "forget", secret="")
            if self._proxy is not None:
                self._proxy.restore()
        scene.seconds = time.monotonic() - began
        return scene

    def _reason_to_leave_out(self, fault: Fault) -> str:
        """Return why this machine cannot play *fault*; "" if it can."""
        of_windows_proxy = fault.layer is Layer.SCRIPT or fault.name == "proxy-needed"
        for applies, reason in (
            (
                fault.name in _WITH_SECRET and not self._has_licence,
                "Il faut une licence ou un mot de passe enregistré, et le coffre-fort du système n’en a pas voulu.",
            ),
            (
                fault.name in _WINDOW_ONLY and self._window is None,
                "Seule la fenêtre des paramètres le montre.",
            ),
            (of_windows_proxy and sys.platform != "win32", "Le proxy du système est celui de Windows."),
            (
                of_windows_proxy and self._proxy is None,
                "Il faut pouvoir changer le proxy de Windows (--system-proxy).",
            ),
            (
                changes_machine(fault) and not self._resolves_names,
                "Le service de noms de ce poste n’est pas celui du bac à sable (make tour le fait sous Wine).",
            ),
        ):
            if applies:
                return reason
        return ""

    def _break(self, fault: Fault | None) -> None:
        world = self._world
        if fault is None:
            self._write_settings("")
            return
        if fault.name.startswith("rolled-back"):
            # the agent must have seen the sound metadata: what is older than that is a step back
            self._end_test(self._start_test())
        for part in fault.parts if fault.parts[0] in SERVERS else fault.parts[:1]:
            world.break_(part, fault.how)
        self._write_settings(self._settings_for(fault))
        if fault.name.startswith("proxy-password-refused"):
            self._send_secret("proxy", "set", USER, secret="un autre mot de passe")  # noqa: S106  a wrong one
        if self._proxy is None:
            return
        if fault.name == "pac-offered":
            self._proxy.use_detection()
        elif fault.layer is Layer.SCRIPT:
            self._proxy.use_script(world.script_address)
        elif fault.name == "proxy-needed":
            self._proxy.use_server(f"127.0.0.1:{world.proxy.port}")

    def _settings_for(self, fault: Fault) -> str:
        """Return the lines of the settings with which *fault* has its effect."""
        world = self._world
        lines = ""
        if fault.layer is Layer.ADDRESS:
            lines = f"secure = {'false' if fault.how.startswith('http') else 'true'}\n"
        addresses = {server: world.to_type(server) for server in SERVERS}
        if fault.layer is Layer.ADDRESS and not fault.how.startswith("http"):
            # the file does not accept all of them: they are typed
            addresses = {"auth": world.authentication.address, "updates": world.updates.address}
        lines += f'authentication = "{addresses["auth"]}"\nupdates = "{addresses["updates"]}"\n'
        if fault.name == "proxy-needed":
            lines += '\n[proxy]\nmode = "none"\n'
        elif fault.layer is Layer.PROXY:
            lines += f'\n[proxy]\nmode = "manual"\naddress = "{world.proxy_address}"\n'
            if fault.name == "proxy-password-refused":
                lines += f'user = "{USER}"\n'
        return lines

    def _write_settings(self, lines: str) -> None:
        """Write settings with the licence's number; close a window with other settings."""
        more = f'\n[licence]\nnumber = "{self._world.licence().number}"\n'
        if not lines:
            lines = (
                f'authentication = "{self._world.authentication.address}"\n'
                f'updates = "{self._world.updates.address}"\n'
            )
        if lines != self._settings:
            if self._window is not None:
                self._window.close()
            write_agent_files(self._home, self._world, connection=lines, more=more)
            self._settings = lines

    def _save_licence(self) -> bool:
        """Save the world's licence; return False if the system has no vault for its key."""
        licence = self._world.licence()
        return self._send_secret("licence", "set", licence.number, secret=licence.key)

    def _send_secret(self, *command: str, secret: str) -> bool:
        """Run a command of the agent that reads *secret*, and return whether it succeeded."""
        done = subprocess.run(
            [*AGENT, *command],
            env=self._environment,
            input=f"{secret}\n".encode(),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        return done.returncode == 0

    def _test_servers(self, scene: Scene) -> None:
        """Test the servers with command and window at the same time; fill in *scene*."""
        testing = self._start_test()
        try:
            if self._window is not None:
                self._test_in_window(self._window, scene)
        finally:
            document, errors = self._end_test(testing)
        if document is None:
            scene.unexpected.append(f"La commande n’a pas rendu de document : {errors[-500:]}")
            return
        scene.servers, scene.headline = document["servers"], document["headline"]
        scene.unexpected += self._differences(scene)
        if scene.fault is not None and scene.fault.name in PLAYED_BY_THE_TOUR:
            scene.unexpected += self._differences_at_desk(scene.fault)

    def _start_test(self) -> subprocess.Popen[bytes]:
        options = zip(("--authentication", "--updates"), self._typed_addresses(), strict=False)
        return subprocess.Popen(
            [*AGENT, "test", "--json", *(word for option in options for word in option)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _end_test(self, testing: subprocess.Popen[bytes]) -> tuple[ServersTestDocument | None, str]:
        """Return the document of the test, None if there is none, and its error output."""
        try:
            output, errors = testing.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            testing.kill()
            output, errors = testing.communicate()
        message = errors.decode("utf-8", "replace") or "rien"
        try:
            document: ServersTestDocument = json.loads(output)
        except ValueError:
            return None, message
        return document, message

    def _typed_addresses(self) -> list[str]:
        """Return the addresses to type; none if the saved ones are to be tested."""
        return [self._world.to_type(server) for server in SERVERS] if self._world.broken("address") else []

    def _test_in_window(self, window: TourWindow, scene: Scene) -> None:
        typed = self._typed_addresses()
        try:
            scene.texts = window.test(typed, _PATIENCE)
        except TimeoutError as error:
            scene.unexpected.append(f"Fenêtre : {error}")
        picture = f"{scene.name}.png"
        if size := window.picture(self._pictures / picture):
            scene.picture, scene.size = picture, size
        if typed:
            # the next fault must not be tested with these addresses
            window.close()

    def _differences(self, scene: Scene) -> Iterator[str]:
        """Yield a sentence for each difference from what is expected."""
        codes_in_window = set(re.findall(r"IEA-[A-Z]\d\d", "\n".join(scene.texts)))
        for report in scene.servers:
            server = Server(report["server"])
            name = locale._(report_text.SERVERS[server])
            codes = set(self._expectation(scene.fault, SANDBOX_NAMES[server])) if scene.fault else {""}
            expected = " ou ".join(sorted(codes - {""}))
            code = code_of(report)
            if code not in codes and (scene.fault is None or scene.fault.name not in _WINDOW_ONLY):
                yield f"{name} : attendu {expected or 'rien à signaler'}, obtenu {code or 'rien'}."
            if self._window is None or not expected or _TYPED_PROBLEM in codes:
                continue
            if not codes_in_window & codes:
                yield f"{name} : {expected} n’est pas dans la fenêtre."

    def _differences_at_desk(self, fault: Fault) -> Iterator[str]:
        """Yield a sentence for each thing that the desk reads otherwise: file, phone code.

        Other faults are sent to the desk by ``tests/services/test_faults.py``.
        """
        file = self._home.parent / "assistance.zip"
        done = subprocess.run(
            [*AGENT, "support", "--file", str(file), "--code"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        codes = self._expectation(fault, "auth")
        try:
            # where the file is, the code, and how it is spelled
            _place, phone_code, *_spelled = done.stdout.decode("utf-8", "replace").splitlines()
            cases = {"fichier": open_request(file.read_bytes()), "code dicté": open_text(phone_code)}
        except (DeskError, OSError, ValueError) as error:
            yield f"Assistance : {error} {done.stderr[-500:].decode('utf-8', 'replace')}"
            return
        for way, case in cases.items():
            actor = CATALOGUE[case.code].actor if case.code else None
            if case.code not in codes or case.actor is not actor:
                read = f"{case.code or 'rien'} ({case.actor})"
                yield f"Assistance, {way} : attendu {' ou '.join(codes) or 'rien'}, lu {read}."


def run(
    home: Path,
    output: Path,
    only: Sequence[str] = (),
    bench: Bench | None = None,
    expectation: Expectation = expected_codes,
) -> int:
    """Play the faults named in *only*, or all, and write the page into *output*.

    *home* receives the worlds and the installations. Returns 0 if all came as expected, else 1.
    Raises UnknownFault for a name that is not in the catalogue.
    """
    faults = _select_faults(only)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    began = time.monotonic()
    scenes_by_name = _play_all(faults, home, output, bench or Bench(), expectation)
    scenes = [scenes_by_name[name] for name in ("en-etat", *(fault.name for fault in faults))]
    page = output / "index.html"
    page.write_text(render_page(scenes, time.monotonic() - began), encoding="utf-8")
    unexpected = sum(bool(scene.unexpected) for scene in scenes)
    left = sum(bool(scene.left_out) for scene in scenes)
    as_expected = len(scenes) - unexpected - left
    print(f"\n{as_expected} comme attendu, {unexpected} à voir, {count_left_out(left)} : {page}")
    return 1 if unexpected else 0


def _select_faults(only: Sequence[str]) -> list[Fault]:
    unknown = [name for name in only if name not in FAULTS]
    if unknown:
        raise UnknownFault(f"Panne inconnue : « {unknown[0]} ». Choix : {', '.join(FAULTS)}.")
    faults = [fault for fault in FAULTS.values() if fault.layer is not Layer.TARGET]
    return [fault for fault in faults if not only or fault.name in only]


def _play_all(
    faults: Sequence[Fault], home: Path, pictures: Path, bench: Bench, expectation: Expectation
) -> dict[str, Scene]:
    """Play the sound state and *faults*; return the scenes by name.

    Many a fault is waiting: two worlds share the work. Only the first may change the machine, which they share.
    """
    began = time.monotonic()
    common: deque[Fault | None] = deque(fault for fault in faults if not changes_machine(fault))
    machine: deque[Fault | None] = deque([None, *(fault for fault in faults if changes_machine(fault))])
    scenes: dict[str, Scene] = {}

    def play_queues(number: int, bench: Bench, *queues: deque[Fault | None]) -> None:
        world = World(
            home / f"world-{number}",
            names_port=bench.names_port,
            script_port=bench.script_port,
            network_port=bench.network_port,
        )
        with world, closing(Tour(world, home / f"pc-{number}", pictures, bench, expectation)) as tour:
            for queue in queues:
                while queue:
                    # the other world's thread may have taken the last one
                    with suppress(IndexError):
                        scene = tour.play(queue.popleft())
                        scenes[scene.name] = scene
                        _print_scene(scene, time.monotonic() - began)

    with ThreadPoolExecutor(2) as pool:
        playing = [pool.submit(play_queues, 1, bench, machine, common)]
        if len(faults) >= _WORTH_TWO:
            playing.append(pool.submit(play_queues, 2, Bench(windows=bench.windows), common))
        for each in playing:
            each.result()
    return scenes


def changes_machine(fault: Fault) -> bool:
    """Return whether *fault* is of the machine's names, proxy setting or network."""
    by_name = fault.layer in (Layer.NAMES, Layer.SCRIPT, Layer.NETWORK)
    return by_name or fault.name in ("proxy-needed", "address-unknown-name")


def _print_scene(scene: Scene, seconds: float) -> None:
    verdict = "laissée de côté" if scene.left_out else "À VOIR" if scene.unexpected else "comme attendu"
    print(f"{seconds:6.1f} s  {scene.name:<26} {verdict}")
    print("".join(f"          {line}\n" for line in scene.unexpected), end="", flush=True)


def _resolves_names() -> bool:
    """Return whether this machine asks the sandbox's name server."""
    with suppress(OSError):
        return socket.gethostbyname(NAME) == "127.0.0.1"
    return False


def main(arguments: Sequence[str]) -> int:
    """Parse *arguments* and play the tour."""
    parser = argparse.ArgumentParser(
        prog="python -m rig tour",
        description="Joue chaque panne au programme de connexion de cette machine et écrit une page de ce que l’utilisateur voit ; "
        "sous Windows avec l’image de la fenêtre. Code de sortie 1 si une panne n’est pas vue comme attendu.",
    )
    add_home_option(parser)
    parser.add_argument(
        "--output", type=Path, default=Path("build/tour"), metavar="DOSSIER", help="où l’écrire"
    )
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="PANNE", help="seulement celles-ci (proxy-password, 503…)"
    )
    parser.add_argument(
        "--no-windows", action="store_true", help="sans les fenêtres, par la seule commande test"
    )
    parser.add_argument(
        "--system-proxy",
        action="store_true",
        help="changer le proxy de Windows le temps de la visite (script de proxy)",
    )
    add_port_options(parser)
    parser.add_argument("--network-port", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    # a client that speaks TLS to the "plain-http" port is no news
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    bench = Bench(
        windows=sys.platform == "win32" and not options.no_windows,
        system_proxy=options.system_proxy,
        names_port=options.names_port,
        script_port=options.script_port,
        network_port=options.network_port,
    )
    return run(options.home / "tour", options.output, options.only, bench)
