"""The tour: every fault played to this machine's agent, and a page of what the clerk sees for each."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iea_sandbox.certificates import NAME
from iea_sandbox.demo import furnish
from iea_sandbox.faults import FAULTS, SERVERS, Fault, Layer, ServerName, UnknownFault
from iea_sandbox.proxy import USER
from iea_sandbox.world import World

if sys.platform == "win32":
    from iea_sandbox.screen import NotSeen, Window
    from iea_sandbox.system_proxy import SystemProxy

AGENT = (sys.executable, "-m", "iea_agent")
TITLE = "Paramètres de connexion"
TEST = "Tester l'accès aux serveurs"
SEARCHING = "Recherche d'un autre chemin"
OFFER = "Corriger\u00a0:"
SUCCEEDED, FAILED, REACHED = (
    "Connexion au serveur réussie",
    "Échec de connexion au serveur",
    "Connexion aux serveurs réussie",
)
_PATIENCE = 60.0  # seconds for a test, its search for what works included, on a busy machine
_START = 60.0  # seconds for a window to show itself
_WORTH_TWO = 8  # faults for which a second world is worth its start

_WITH_SECRET = ("no-token", "scope-missing", "refused", "unknown", "wrong-key", "proxy-password-refused")
"""Faults that only an installation with a licence, or a proxy's password, meets."""
_WINDOW_ONLY = ("proxy-needed",)
"""Faults that the window tells of, and the command does not: it looks for no other way."""

_OPENING = threading.Lock()

_STAGES = {
    "address": "adresse",
    "name": "nom",
    "connection": "connexion",
    "proxy": "proxy",
    "certificate": "certificat",
    "answer": "réponse",
    "kind": "bon serveur",
    "licence": "licence",
    "metadata": "mises à jour",
}
_SERVERS: Mapping[str, tuple[ServerName, str]] = {
    "authentication": ("auth", "Serveur d'authentification"),
    "updates": ("updates", "Serveur de mise à jour"),
}


@dataclass
class Scene:
    """One fault as it was played. *servers* is the agent's own report of each, *amiss* what did not come as expected."""

    fault: Fault | None
    """None for the beginning, when all is well."""
    left_out: str = ""
    servers: list[dict[str, Any]] = field(default_factory=list)
    headline: str = ""
    shown: list[str] = field(default_factory=list)
    """What the window said."""
    picture: str = ""
    size: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    amiss: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called in the page and on the command line."""
        return self.fault.name if self.fault else "en-etat"

    @property
    def heading(self) -> str:
        """Under which it stands."""
        return self.fault.layer.value if self.fault else "pour commencer"

    @property
    def what(self) -> str:
        """What was broken."""
        return self.fault.description if self.fault else "rien n'est cassé"


class Tour:
    """An installation of this machine's agent in *folder* and a world to break for it."""

    def __init__(self, world: World, folder: Path, pictures: Path | None, *, system_proxy: bool) -> None:
        """*pictures* is where the pictures go, None for a tour without windows; *system_proxy* allows to change Windows' proxy setting."""
        self._world = world
        self._home = folder / "agent"
        self._pictures = pictures
        self._settings = ""
        self._environment = {
            **os.environ,
            "IEA_AGENT_HOME": str(self._home),
            "IEA_AGENT_LANG": "fr",
            "PYTHONUTF8": "1",
        }
        self._stack = ExitStack()
        if sys.platform == "win32":
            self._window: Window | None = None
            self._process: subprocess.Popen[bytes] | None = None
            self._system_proxy = self._stack.enter_context(SystemProxy()) if system_proxy else None
        shutil.rmtree(self._home, ignore_errors=True)
        self._furnish("")
        self._licensed = self._license()
        self._named = _resolves()

    def close(self) -> None:
        """Close the window, put Windows' setting back."""
        self._close_window()
        self._stack.close()

    def play(self, fault: Fault | None) -> Scene:
        """Break, look, mend."""
        scene = Scene(fault)
        begun = time.monotonic()
        try:
            scene.left_out = self._why_not(fault) if fault else ""
            if not scene.left_out:
                self._break(fault)
                self._look(scene)
        except UnknownFault as error:
            scene.left_out = str(error)
        finally:
            self._world.mend()
            if fault and fault.name == "proxy-password-refused" and not scene.left_out:
                self._tell("proxy", "forget", secret="")
            if sys.platform == "win32" and self._system_proxy:
                self._system_proxy.restore()
        scene.seconds = time.monotonic() - begun
        return scene

    def _why_not(self, fault: Fault) -> str:
        """Why this machine cannot play it; empty where it can."""
        if fault.name in _WITH_SECRET and not self._licensed:
            return "Il faut une licence ou un mot de passe enregistré, et le coffre-fort du système n'en a pas voulu."
        if fault.name in _WINDOW_ONLY and self._pictures is None:
            return "Seule la fenêtre des paramètres le montre."
        if fault.layer is Layer.SCRIPT or fault.name == "proxy-needed":
            if sys.platform != "win32":
                return "Le proxy du système est celui de Windows."
            if self._system_proxy is None:
                return "Il faut pouvoir changer le proxy de Windows (--system-proxy)."
        if fault.name == "scope-missing":
            return "L'agent ne demande aucun droit particulier (scope) : il n'a rien à trouver manquant."
        if of_the_machine(fault) and not self._named:
            return (
                "Le service de noms de ce poste n'est pas celui du bac à sable (make tour le fait sous Wine)."
            )
        return ""

    def _break(self, fault: Fault | None) -> None:
        world = self._world
        if fault is None:
            self._furnish("")
            return
        if fault.name.startswith("rolled-back"):
            self._test()  # sound once more: what is older than that is a step back
        if fault.parts[0] in SERVERS:
            for part in fault.parts:
                world.break_(part, fault.how)
        else:
            world.break_(fault.parts[0], fault.how)
        self._furnish(self._lines(fault))
        if fault.name == "proxy-password-refused":
            self._tell("proxy", "set", USER, secret="un autre mot de passe")  # noqa: S106  a wrong one
        if sys.platform == "win32" and self._system_proxy:
            if fault.name == "pac-offered":
                self._system_proxy.detect()
            elif fault.layer is Layer.SCRIPT:
                self._system_proxy.script(world.script_address)
            elif fault.name == "proxy-needed":
                self._system_proxy.server(f"127.0.0.1:{world.proxy.port}")

    def _lines(self, fault: Fault) -> str:
        """The lines of the settings that let the fault show."""
        world = self._world
        lines = ""
        if fault.layer is Layer.ADDRESS:
            lines = f"secure = {'false' if fault.how.startswith('http') else 'true'}\n"
        addresses = {server: world.to_type(server) for server in SERVERS}
        if fault.layer is Layer.ADDRESS and not fault.how.startswith("http"):
            # not all of them may stand in the file: they are typed
            addresses = {"auth": world.authentication.address, "updates": world.updates.address}
        lines += f'authentication = "{addresses["auth"]}"\nupdates = "{addresses["updates"]}"\n'
        if fault.name == "proxy-needed":
            lines += '\n[proxy]\nmode = "none"\n'
        elif fault.layer is Layer.PROXY:
            lines += f'\n[proxy]\nmode = "manual"\naddress = "{world.proxy_address}"\n'
            if fault.name == "proxy-password-refused":
                lines += f'user = "{USER}"\n'
        return lines

    def _furnish(self, lines: str) -> None:
        """Write the settings, with the licence's number; a window that shows others is closed."""
        more = f'\n[licence]\nnumber = "{self._world.licence().number}"\n'
        if not lines:
            lines = (
                f'authentication = "{self._world.authentication.address}"\n'
                f'updates = "{self._world.updates.address}"\n'
            )
        if lines != self._settings:
            self._close_window()
            furnish(self._home, self._world, connection=lines, more=more)
            self._settings = lines

    def _license(self) -> bool:
        """Give the installation a licence; False where the system has no vault for its key."""
        licence = self._world.licence()
        return self._tell("licence", "set", licence.number, secret=licence.key)

    def _tell(self, *command: str, secret: str) -> bool:
        """Run a command of the agent that reads a secret; whether it went well."""
        done = subprocess.run(
            [*AGENT, *command],
            env=self._environment,
            input=f"{secret}\n".encode(),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        return done.returncode == 0

    # looking

    def _look(self, scene: Scene) -> None:
        testing = self._start_test()
        try:
            if self._pictures is not None:
                self._look_at_window(scene, self._pictures)
        finally:
            found, said = self._end_test(testing)
        if found is None:
            scene.amiss.append(f"La commande n'a pas rendu de document : {said[-500:]}")
            return
        scene.servers, scene.headline = found["servers"], found["headline"]
        scene.amiss += self._differences(scene)

    def _test(self) -> dict[str, Any] | None:
        return self._end_test(self._start_test())[0]

    def _start_test(self) -> subprocess.Popen[bytes]:
        typed: list[str] = []
        if self._world.broken("address"):
            typed = [
                "--authentication",
                self._world.to_type("auth"),
                "--updates",
                self._world.to_type("updates"),
            ]
        return subprocess.Popen(
            [*AGENT, "test", "--json", *typed],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _end_test(self, testing: subprocess.Popen[bytes]) -> tuple[dict[str, Any] | None, str]:
        """The document of the test, and whatever else was said."""
        try:
            output, errors = testing.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            testing.kill()
            output, errors = testing.communicate()
        said = errors.decode("utf-8", "replace")
        try:
            found: dict[str, Any] = json.loads(output)
        except ValueError:
            return None, said or "rien"
        return found, said

    def _differences(self, scene: Scene) -> Iterator[str]:
        """What is otherwise than the catalogue of faults says."""
        codes_shown = set(re.findall(r"IEA-[A-Z]\d\d", "\n".join(scene.shown)))
        for report in scene.servers:
            server, called = _SERVERS[report["server"]]
            expected = scene.fault.shown(server) if scene.fault else ""
            others = {scene.fault.or_shows} - {""} if scene.fault else set()
            if scene.fault is None or scene.fault.name not in _WINDOW_ONLY:
                found = code_of(report)
                if found not in {expected, *others}:
                    yield f"{called} : attendu {expected or 'rien à signaler'}, obtenu {found or 'rien'}."
            if (
                self._pictures is None or not expected or expected == "IEA-C02"
            ):  # that is told beside its field
                continue
            if not codes_shown & {expected, *others}:
                yield f"{called} : {expected} n'est pas dans la fenêtre."

    if sys.platform == "win32":

        def _look_at_window(self, scene: Scene, pictures: Path) -> None:
            try:
                scene.shown = self._tested_window().wait(self._over, _PATIENCE)
            except NotSeen as error:
                scene.amiss.append(f"Fenêtre : {error}")
            if self._window is not None:
                scene.picture = f"{scene.name}.png"
                scene.size = self._window.picture(pictures / scene.picture)
            if self._world.broken("address"):
                self._close_window()  # what was typed is not for the next

        def _tested_window(self) -> Window:
            """The window, with its test under way."""
            world = self._world
            types = world.broken("address")
            if self._window is None:
                options = () if types else ("--test",)
                with _OPENING:  # two that open at once could not be told apart
                    self._process = subprocess.Popen(
                        [*AGENT, "window", "settings", *options],
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                    )
                    self._window = Window(TITLE, _START)
                if options:
                    return self._window
            window = self._window
            window.wait(lambda texts: TEST in texts, _START)
            if types:
                for place, server in zip(window.fields(), SERVERS, strict=False):
                    window.type(place, world.to_type(server))
            self._before = window.texts()
            window.press(TEST)
            return window

        def _over(self, texts: Sequence[str]) -> bool:
            """Whether the test is over: its outcome is told, and nothing is being looked for."""
            told = any(text in (SUCCEEDED, FAILED) or text.startswith(REACHED) for text in texts)
            complained = (
                bool(self._world.broken("address")) and TEST in texts and len(texts) > len(self._before)
            )
            return (told or complained) and not any(SEARCHING in text for text in texts)

        def _close_window(self) -> None:
            if self._process is not None:
                self._process.kill()
                self._process.wait(10)
            if self._window is not None:
                self._window.forget()
            self._window = self._process = None

    else:

        def _look_at_window(self, scene: Scene, pictures: Path) -> None:
            raise NotImplementedError("windows are Windows' own")

        def _close_window(self) -> None:
            """There is none."""


def code_of(report: Mapping[str, Any]) -> str:
    """The problem that a server's report tells of; empty for none."""
    problems = [report["problem"]] if report["problem"] else report["findings"]
    return str(problems[0]["code"]) if problems else ""


def run(
    home: Path,
    output: Path,
    only: Sequence[str] = (),
    *,
    windows: bool = sys.platform == "win32",
    system_proxy: bool = False,
    names_port: int = 0,
    script_port: int = 0,
    network_port: int | None = None,
    expected: Mapping[str, Fault] = FAULTS,
) -> int:
    """Play the faults named in *only* (none: all of them) and write the page into *output*; 0 where all came as expected, else 1.

    *expected* may replace the catalogue. Raises UnknownFault for a name that is in neither.
    """
    unknown = [name for name in only if name not in expected]
    if unknown:
        raise UnknownFault(f"Panne inconnue : « {unknown[0]} ». Choix : {', '.join(expected)}.")
    faults = [fault for fault in expected.values() if fault.layer is not Layer.TARGET]
    faults = [fault for fault in faults if not only or fault.name in only]
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    begun = time.monotonic()
    # many a fault is waiting: two worlds share the work, and only the first may change what they have in common, the machine
    common: deque[Fault | None] = deque(fault for fault in faults if not of_the_machine(fault))
    machine: deque[Fault | None] = deque([None, *(fault for fault in faults if of_the_machine(fault))])
    found: dict[str, Scene] = {}

    def lane(number: int, *queues: deque[Fault | None]) -> None:
        first = number == 1
        with World(
            home / f"world-{number}",
            names_port=names_port if first else 0,
            script_port=script_port if first else 0,
            network_port=network_port if first else None,
        ) as world:
            pictures = output if windows else None
            tour = Tour(world, home / f"pc-{number}", pictures, system_proxy=system_proxy and first)
            try:
                for queue in queues:
                    while queue:
                        with suppress(IndexError):  # the other lane took the last
                            scene = tour.play(queue.popleft())
                            found[scene.name] = scene
                            _report(scene, time.monotonic() - begun)
            finally:
                tour.close()

    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(lane, 1, machine, common)]
        if len(faults) >= _WORTH_TWO:
            lanes.append(pool.submit(lane, 2, common))
        for each in lanes:
            each.result()
    scenes = [found[name] for name in ("en-etat", *(fault.name for fault in faults))]
    page = output / "index.html"
    page.write_text(_page(scenes, time.monotonic() - begun), encoding="utf-8")
    amiss = sum(bool(scene.amiss) for scene in scenes)
    left = sum(bool(scene.left_out) for scene in scenes)
    print(f"\n{len(scenes) - amiss - left} comme attendu, {amiss} à voir, {_left_out(left)} : {page}")
    return 1 if amiss else 0


def of_the_machine(fault: Fault) -> bool:
    """Whether the fault is of the machine's own name service, proxy setting or network."""
    by_name = fault.layer in (Layer.NAMES, Layer.SCRIPT, Layer.NETWORK)
    return by_name or fault.name in ("proxy-needed", "address-unknown-name")


def _report(scene: Scene, seconds: float) -> None:
    verdict = "laissée de côté" if scene.left_out else "À VOIR" if scene.amiss else "comme attendu"
    lines = [f"{seconds:6.1f} s  {scene.name:<26} {verdict}", *(f"          {line}" for line in scene.amiss)]
    print("\n".join(lines), flush=True)


def _resolves() -> bool:
    """Whether this machine asks the sandbox's name server."""
    with suppress(OSError):
        return socket.gethostbyname(NAME) == "127.0.0.1"
    return False


# --- the page

_HEAD = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ce que voit l'utilisateur, panne par panne</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1d2b3a; background: #f7f9fb }
h1, h2, h3 { font-weight: 600 } h2 { margin-top: 3rem; border-top: 1px solid #d5dde5; padding-top: 1.5rem }
h3 { margin: 2.5rem 0 .25rem } h3 small { font-weight: 400; color: #54677a }
img { max-width: 100%; height: auto; border: 1px solid #c8d2dc; border-radius: 4px }
table { border-collapse: collapse; margin: .75rem 0 } th, td { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0 }
th { font-weight: 400; color: #54677a; white-space: nowrap }
code { background: #e9eef3; border-radius: 3px; padding: 0 .25em } a { color: #12509c }
.list { columns: 3 16rem; padding: 0; list-style: none } .list li { break-inside: avoid }
.ok { color: #1c6b37 } .amiss { color: #a61b1b; font-weight: 600 } .left { color: #54677a }
</style>
"""


def _page(scenes: Sequence[Scene], seconds: float) -> str:
    amiss = [scene for scene in scenes if scene.amiss]
    left = [scene for scene in scenes if scene.left_out]
    parts = [
        _HEAD,
        "<h1>Ce que voit l'utilisateur, panne par panne</h1>",
        "<p>Chaque panne du bac à sable, jouée à l'agent de cette machine : ce qui a été cassé, ce que l'agent en dit, et la fenêtre "
        "«\u00a0Paramètres de connexion\u00a0» une fois le test terminé.</p>",
        f"<p>{_count(len(scenes) - len(amiss) - len(left), 'scène')} comme attendu, "
        f'<span class="{"amiss" if amiss else "ok"}">{len(amiss)} à voir</span>, '
        f"{_left_out(len(left))}. Le tout en {seconds:.0f}\u00a0s.</p>",
    ]
    headings = list(dict.fromkeys(scene.heading for scene in scenes))
    grouped = {heading: [s for s in scenes if s.heading == heading] for heading in headings}
    for heading, group in grouped.items():
        parts.append(f"<h4>{_title(heading)}</h4>\n<ul class='list'>")
        parts += [
            f'<li>{_mark(scene)} <a href="#{scene.name}">{html.escape(scene.name)}</a></li>'
            for scene in group
        ]
        parts.append("</ul>")
    for heading, group in grouped.items():
        parts.append(f"<h2>{_title(heading)}</h2>")
        for scene in group:
            parts += _told(scene)
    return "\n".join([*parts, "</html>\n"])


def _title(heading: str) -> str:
    return html.escape(heading[0].upper() + heading[1:])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _left_out(number: int) -> str:
    return f"{number} laissée{'s' if number > 1 else ''} de côté"


def _mark(scene: Scene) -> str:
    if scene.left_out:
        return '<span class="left" title="laissée de côté">–</span>'
    if scene.amiss:
        return '<span class="amiss" title="à voir">✗</span>'
    return '<span class="ok" title="comme attendu">✓</span>'


def _told(scene: Scene) -> Iterator[str]:
    command = ""
    if scene.fault:
        parts = "|".join(scene.fault.parts)
        command = f" <small>iea-sandbox break {parts} --how {html.escape(scene.fault.how)}</small>"
    yield f'<h3 id="{scene.name}">{_mark(scene)} {html.escape(scene.name)}{command}</h3>'
    yield f"<p>Cassé : {html.escape(scene.what)}.</p>" if scene.fault else "<p>Rien n'est cassé.</p>"
    if scene.left_out:
        yield f'<p class="left">Laissée de côté. {html.escape(scene.left_out)}</p>'
        return
    for line in scene.amiss:
        yield f'<p class="amiss">{html.escape(line)}</p>'
    if scene.headline:
        yield f"<p><strong>{html.escape(scene.headline)}</strong></p>"
    for report in _distinct(scene):
        yield _table(report)
    offered = [text for text in scene.shown if text.startswith(OFFER)]
    if offered:
        yield f"<p>Proposé en un clic, et vérifié avant : {html.escape(', '.join(offered))}.</p>"
    if scene.picture:
        width, height = scene.size
        yield (
            f'<img src="{scene.picture}" width="{width}" height="{height}" loading="lazy" '
            f'alt="La fenêtre des paramètres : {html.escape(scene.what)}">'
        )


def _distinct(scene: Scene) -> Iterator[dict[str, Any]]:
    """The servers' reports; two that say the same are told once."""
    reports = [{**report, "called": _SERVERS[report["server"]][1]} for report in scene.servers]
    if len(reports) == 2 and code_of(reports[0]) == code_of(reports[1]) != "":
        slower = max(reports, key=lambda report: float(report["milliseconds"]))
        yield {**slower, "called": "Les deux serveurs"}
        return
    yield from reports


def _table(report: Mapping[str, Any]) -> str:
    seconds = f"{report['milliseconds'] / 1000:.2f}".replace(".", ",") + "\u00a0s"
    stage = report["failed_stage"]
    problems = [report["problem"]] if report["problem"] else report["findings"]
    rows = [(report["called"], f"<code>{html.escape(report['address'])}</code>")]
    if not problems:
        rows.append(("Verdict", '<span class="ok">rien à signaler</span>'))
    for found in problems:
        sentence = " ".join(filter(None, (found["text"], found.get("particulars", ""))))
        rows += [
            ("Problème", f"<strong>{html.escape(found['title'])}</strong> ({found['code']})"),
            ("Explication", html.escape(sentence)),
            ("Que faire", html.escape(found["advice"])),
            ("Qui peut agir", html.escape(found["actor_text"])),
        ]
        if found["detail"]:
            rows.append(("Détail technique", f"<code>{html.escape(found['detail'])}</code>"))
    if report["route"] not in ("", "direct"):  # nobody went anywhere, or straight
        rows.append(("Chemin", f"par le proxy <code>{html.escape(report['route'])}</code>"))
    rows.append(("Étape en échec", _STAGES.get(stage, stage) if stage else "aucune"))
    rows.append(("Temps jusqu'au verdict", seconds))
    return (
        "<table>" + "".join(f"<tr><th>{html.escape(n)}</th><td>{v}</td></tr>" for n, v in rows) + "</table>"
    )
