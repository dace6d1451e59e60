"""A stage for the dialogs: shows them with ports of its own.

It writes what a dialog asks of its port to a file, one line of JSON each. ``dialog_stage.py settings
LOG …`` and ``dialog_stage.py status LOG --source FILE`` show a dialog; the lines "measure" and "focus" on
standard input have it write how large each control is and wants to be, and which one has the keyboard.
``dialog_stage.py copy LOG --text …`` and ``dialog_stage.py paste LOG`` are the person's other program.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from iea_agent.domain import problems, repairs
from iea_agent.domain import settings as settings_file
from iea_agent.domain.autostart import Autostart
from iea_agent.domain.connection_history import ConnectionCourse, Period
from iea_agent.domain.diagnosis import (
    STAGES,
    Certificate,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
)
from iea_agent.domain.documents import StatusDocument
from iea_agent.domain.evidence import ClockOffset, InterceptedBy, ProxyInvolved
from iea_agent.domain.person_requests import Abilities
from iea_agent.domain.refusals import (
    AgentNotStarted,
    AutostartDisabled,
    AutostartForAll,
    AutostartForbidden,
    AutostartNotWritten,
    RefusedError,
    SecretTooLong,
)
from iea_agent.domain.repairs import Repair
from iea_agent.domain.settings import DEFAULTS, LICENCE_KEY, Effective, SettingFault, Settings
from iea_agent.locale import LANGUAGES, choose
from iea_agent.shell.dialogs.ports import AutostartChoice, DialogContents


class Log:
    """What happened, readable by another process while it happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, **what: object) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), **what}) + "\n")


SYSTEM_PROXY = "http://proxy.entreprise.exemple.fr:3128"
"""The way to an address with « entreprise » in it, where the system decides."""
FAILURES = {
    "introuvable": Failure(Stage.NAME, problems.NAME_UNKNOWN, "gaierror: [Errno 11001] getaddrinfo failed"),
    "expire": Failure(
        Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED, "certificate refused: certificate has expired [0xa]"
    ),
    "refuse": Failure(
        Stage.LICENCE,
        problems.AUTHORISATION_REFUSED,
        "HTTP 403 unauthorized_client, the server says: Client not allowed",
    ),
    "inconnue": Failure(
        Stage.LICENCE,
        problems.LICENCE_NOT_RECOGNISED,
        "HTTP 401 invalid_client, the server says: Client authentication failed",
    ),
    "autre": Failure(Stage.KIND, problems.NOT_AN_UPDATE_SERVER, "no timestamp.json: HTTP 404"),
    ":80": Failure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS, "TLS: WRONG_VERSION_NUMBER"),
    "antivirus": Failure(
        Stage.CERTIFICATE,
        problems.INTERCEPTED,
        "certificate refused: unable to get local issuer certificate [0x14], "
        f"issued by Avast Web/Mail Shield Root, SHA-256 {'3f9a' * 16}",
        evidence=InterceptedBy("Avast"),
        certificate=Certificate(
            "impact-emploi.urssaf.fr",
            "Avast Web/Mail Shield Root",
            1.7e9,
            1.9e9,
            "3f9a" * 16,
            time.time() - 600,
        ),
    ),
    "entreprise": Failure(
        Stage.PROXY,
        problems.PROXY_WANTS_PASSWORD,
        "407, asks for Basic",
        evidence=ProxyInvolved(SYSTEM_PROXY),
    ),
}
"""A word in the address tested decides how its test ends; « lent » never does, « horloge » passes with a note."""
CLOCK = Failure(
    Stage.ANSWER,
    problems.CLOCK_WRONG,
    "the server's clock minus this PC's: 5400 s",
    evidence=ClockOffset(5400),
)
SHOWN = Certificate("impact-emploi.urssaf.fr", "Certigna Services CA", 1.7e9, 1.9e9, "b7c1" * 16)


AUTOSTARTS = {
    "on": AutostartChoice(Autostart.ON),
    "off": AutostartChoice(Autostart.OFF),
    "refused": AutostartChoice(Autostart.OFF),
    "other": AutostartChoice(Autostart.OTHER),
    "for-all": AutostartChoice(Autostart.ON, AutostartForAll()),
    "disabled": AutostartChoice(Autostart.DISABLED, AutostartDisabled()),
    "forbidden": AutostartChoice(Autostart.FORBIDDEN, AutostartForbidden()),
}
"""What the settings window may find; none for a program that is not installed."""


def failure_of(server: Server, address: str) -> Failure | None:
    """Return how the test of *server* at *address* ends."""
    failure = next((failure for word, failure in FAILURES.items() if word in address), None)
    return failure if failure and failure.stage in STAGES[server] else None


class SettingsOnStage:
    """The settings port: keeps what is saved in memory."""

    def __init__(self, log: Log, options: argparse.Namespace) -> None:
        self._log = log
        self._options = options
        self._own: dict[str, object] = {} if options.first_run else {"licence_number": "IEA-0000-1234"}
        self._own.update(json.loads(options.own))
        self._autostart = AUTOSTARTS.get(options.autostart)
        self._key = not options.first_run
        self._password = False

    def load(self) -> DialogContents:
        own = {**self._own}
        if "proxy_mode" in own:
            own["proxy_mode"] = settings_file.ProxyMode(own["proxy_mode"])
        effective = Effective(replace(DEFAULTS, **own), frozenset(self._options.locked))  # type: ignore[arg-type]
        faults = (
            SettingFault(
                "connection.updates",
                4,
                "une adresse comme «\N{NO-BREAK SPACE}https://impact-emploi.urssaf.fr\N{NO-BREAK SPACE}»",
            ),
        )
        options = self._options
        return DialogContents(
            *(effective, faults if options.broken else (), options.assistance, options.stopped),
            self._autostart,
            options.problem,
        )

    def start_agent(self) -> None:
        self._log.write(started=True)

    def key_saved(self) -> bool | None:
        return None if self._options.no_vault else self._key

    def password_proxy(self) -> str | None:
        return SYSTEM_PROXY if self._password else ""

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None
    ) -> None:
        self._log.write(saved=dict(changes), key=licence_key is not None, password=proxy_password is not None)
        time.sleep(self._options.saving)
        if licence_key is not None and self._options.no_vault:
            raise RefusedError(SecretTooLong(LICENCE_KEY))
        for name, value in changes.items():
            self._own[settings_file.DECLARATIONS[name].attribute] = value
        self._key = self._key or licence_key is not None
        self._password = self._password or proxy_password is not None

    def choose_autostart(self, on: bool) -> None:
        self._log.write(starts=on)
        if self._options.autostart == "refused":
            raise RefusedError(AutostartNotWritten("PermissionError"))
        self._autostart = AutostartChoice(Autostart.ON if on else Autostart.OFF)

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        proxy_password: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        self._log.write(
            tested=[values.authentication, values.updates],
            key=licence_key is not None,
            password=proxy_password is not None,
        )
        manual = values.proxy_mode is settings_file.ProxyMode.MANUAL
        of_the_system = SYSTEM_PROXY if "entreprise" in values.authentication else "direct"
        self._route = values.proxy_address if manual else of_the_system
        addresses = {Server.AUTHENTICATION: values.authentication, Server.UPDATES: values.updates}
        reports: dict[Server, ServerReport] = {}

        def one(server: Server) -> None:
            reports[server] = self._play(server, addresses[server], on_progress, cancelled)

        threads = [threading.Thread(target=one, args=(server,)) for server in Server]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._log.write(test_ended=cancelled.is_set())
        return tuple(reports[server] for server in Server)

    def _play(
        self,
        server: Server,
        address: str,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> ServerReport:
        stages = {stage: StageResult(stage, StageOutcome.WAITING) for stage in STAGES[server]}
        failure = failure_of(server, address)
        pace = self._options.pace / 1000
        spent = 0.0

        def report(done: bool = False, with_failure: Failure | None = None) -> ServerReport:
            seen = done and with_failure is None
            return ServerReport(
                *(server, address, tuple(stages.values()), with_failure, spent, done, self._route),
                findings=(CLOCK,) if seen and "horloge" in address else (),
                certificate=with_failure.certificate if with_failure else SHOWN if seen else None,
            )

        details = {
            Stage.NAME: "203.0.113.7, 2001:db8::7",
            Stage.CONNECTION: "203.0.113.7:443",
            Stage.CERTIFICATE: f"TLSv1.3, issued by {SHOWN.issuer}, SHA-256 {SHOWN.sha256}",
            Stage.ANSWER: "HTTP 200",
        }
        for stage in stages:
            stages[stage] = StageResult(stage, StageOutcome.RUNNING)
            on_progress(report())
            if "lent" in address and stage is Stage.ANSWER:
                cancelled.wait(self._options.patience)
            if cancelled.wait(pace):
                return report(True)
            spent += 12.4 + self._options.pace
            if failure and stage is failure.stage:
                stages[stage] = StageResult(stage, StageOutcome.FAILED, 12.4, failure.detail)
                for later in list(stages)[list(stages).index(stage) + 1 :]:
                    stages[later] = StageResult(later, StageOutcome.SKIPPED)
                on_progress(report(True, failure))
                return report(True, failure)
            skipped = stage is Stage.PROXY and self._route == "direct"
            stages[stage] = StageResult(
                stage,
                StageOutcome.SKIPPED if skipped else StageOutcome.PASSED,
                None if skipped else 12.4,
                details.get(stage, ""),
            )
        on_progress(report(True))
        return report(True)

    def repairs(
        self,
        values: Settings,
        proxy_password: str | None,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,  # noqa: ARG002 it takes no time here
    ) -> tuple[Repair, ...]:
        verified = []
        for repair in repairs.propose_repairs(values, reports, frozenset(self._options.locked)):
            mended = repair.apply_to(values)
            addresses = {Server.AUTHENTICATION: mended.authentication, Server.UPDATES: mended.updates}
            if self._options.repairs and not any(failure_of(*each) for each in addresses.items()):
                verified.append(repair)
                on_found(repair)
        self._log.write(searched=True, password=proxy_password is not None)
        return tuple(verified)

    def explain(self, code: str) -> str:
        self._log.write(explained=code)
        return ""

    def open_support(self) -> None:
        self._log.write(asked="support")

    def reconnect(self) -> None:
        self._log.write(reconnected=True)


class StatusOnStage:
    """The status port: plays the documents of a file, the next one at each change."""

    abilities = Abilities(program=True)

    def __init__(self, log: Log, source: Path) -> None:
        self._log = log
        self._source = source
        self._starts = 0

    def watch(self, on_status: Callable[[StatusDocument | None], None]) -> Callable[[], None]:
        ended = threading.Event()

        def play() -> None:
            before = ""
            while not ended.is_set():
                now = self._source.read_text(encoding="utf-8")
                if now and now != before:
                    before = now
                    on_status(json.loads(now))
                ended.wait(0.05)

        threading.Thread(target=play, daemon=True).start()
        return ended.set

    def explain(self, code: str) -> str:
        self._log.write(explained=code)
        return ""

    def ask(self, command: str) -> None:
        self._log.write(asked=command)

    def start_agent(self) -> None:
        """Fail at the first click."""
        self._log.write(started=True)
        self._starts += 1
        if self._starts == 1:
            raise RefusedError(AgentNotStarted(reason="no answer"))

    def load_phone_code(self) -> str:
        return "40G6-C5F0-4YXK"

    def load_history(self) -> tuple[Period, ...]:
        """Return a day of work with a failure and a while in assistance mode."""
        now = time.time()
        marks = (
            (24, ConnectionCourse.OFF),
            (9, ConnectionCourse.CONNECTED),
            (4, ConnectionCourse.FAILED),
            (3, ConnectionCourse.ASSISTANCE),
            (1, ConnectionCourse.CONNECTED),
        )
        ends = [hours for hours, _course in marks[1:]] + [0]
        return tuple(
            Period(course, now - hours * 3600, now - end * 3600)
            for (hours, course), end in zip(marks, ends, strict=True)
        )

    def reconnect(self) -> StatusDocument:
        """Return the first document that says another moment or state than now."""
        before = self._source.read_text(encoding="utf-8")
        self._log.write(asked="reconnect")
        while not (now := self._source.read_text(encoding="utf-8")) or now == before:
            time.sleep(0.05)
        document: StatusDocument = json.loads(now)
        return document


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dialog", choices=("settings", "status", "copy", "paste"))
    parser.add_argument("log", type=Path)
    parser.add_argument("--own", default="{}", help="settings as JSON, by attribute")
    parser.add_argument("--locked", nargs="*", default=[])
    parser.add_argument("--assistance", action="store_true")
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--autostart", choices=AUTOSTARTS, help="the program is installed")
    parser.add_argument("--problem", default="", help="the code of the problem that the agent shows")
    parser.add_argument("--stopped", action="store_true", help="no agent runs")
    parser.add_argument("--first-run", action="store_true")
    parser.add_argument("--no-vault", action="store_true")
    parser.add_argument("--repairs", action="store_true", help="another way works where an address fails")
    parser.add_argument("--test", action="store_true", help="with the test under way")
    parser.add_argument("--pace", type=float, default=30, help="milliseconds a stage takes")
    parser.add_argument("--patience", type=float, default=60, help="seconds a slow server keeps waiting")
    parser.add_argument("--saving", type=float, default=0, help="seconds that saving takes")
    parser.add_argument("--text", default="", help="what is copied")
    parser.add_argument("--source", type=Path, help="the file that holds the status document")
    parser.add_argument("--language", choices=LANGUAGES, default="fr")
    options = parser.parse_args()
    choose(options.language)
    log = Log(options.log)
    if options.dialog in ("copy", "paste"):
        play_other_program(log, options.text if options.dialog == "copy" else None)
        return
    threading.Thread(target=listen, args=(log,), daemon=True).start()
    if options.dialog == "settings":
        from iea_agent.shell.dialogs import settings_dialog

        given = ("test",) if options.test else ()
        settings_dialog.run(SettingsOnStage(log, options), lambda: log.write(shown=True), given)
    else:
        from iea_agent.shell.dialogs import status_dialog

        status_dialog.run(StatusOnStage(log, options.source), lambda: log.write(shown=True), ())
    log.write(closed=True)


def listen(log: Log) -> None:
    """Do what the test asks for on standard input."""
    import wx

    for line in sys.stdin:
        wx.CallAfter({"measure": measure, "focus": focus, "hear": hear}[line.strip()], log)


def focus(log: Log) -> None:
    """Write which control has the keyboard, by its own text or by the label before it."""
    import wx

    has = wx.Window.FindFocus()
    named = has.GetPrevSibling() if isinstance(has, (wx.TextCtrl, wx.Choice, wx.ListBox)) else has
    log.write(focus=named.GetLabelText() if named else "")


class _Variant(ctypes.Structure):
    """A VARIANT (oaidl.h): its type and its value."""

    _fields_ = (("kind", ctypes.c_ushort), ("rest", ctypes.c_ushort * 3), ("value", ctypes.c_longlong * 2))


def hear(log: Log) -> None:
    """Write what Windows tells a screen reader of each visible control (IAccessible)."""
    import wx

    log.write(heard=[_ask_accessibility(window) for window in _list_windows(wx.GetTopLevelWindows()[0])])


def _list_windows(window: Any) -> list[Any]:
    visible = [child for child in window.GetChildren() if child.IsShown()]
    return [each for child in visible for each in (child, *_list_windows(child))]


def _ask_accessibility(window: Any) -> dict[str, object]:
    """Return name, description and role of *window*; they are methods 10, 12 and 13."""
    interface = (ctypes.c_ubyte * 16)(*bytes.fromhex("e03687613d3ccf11810c00aa00389b71"))
    accessible = ctypes.c_void_p()
    client = ctypes.c_ulong(0xFFFFFFFC)
    oleacc: Any = ctypes.WinDLL("oleacc")  # type: ignore[attr-defined,unused-ignore]
    oleacc.AccessibleObjectFromWindow(
        ctypes.c_void_p(window.GetHandle()), client, ctypes.byref(interface), ctypes.byref(accessible)
    )
    methods = ctypes.cast(
        ctypes.cast(accessible, ctypes.POINTER(ctypes.c_void_p))[0] or 0, ctypes.POINTER(ctypes.c_void_p)
    )
    itself = _Variant(kind=3)

    def ask(number: int, answer: Any) -> Any:
        call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p, _Variant, ctypes.c_void_p)(
            methods[number] or 0
        )
        call(accessible, itself, ctypes.cast(ctypes.byref(answer), ctypes.c_void_p))
        return answer

    name, description = (ask(number, ctypes.c_void_p()).value for number in (10, 12))
    return {
        "kind": type(window).__name__,
        "name": ctypes.wstring_at(name) if name else "",
        "description": ctypes.wstring_at(description) if description else "",
        "role": ask(13, _Variant()).value[0],
    }


def measure(log: Log) -> None:
    """Write each visible control: its text, its place, its size and its best size."""
    import wx

    top = wx.GetTopLevelWindows()[0]

    def below(window: Any) -> list[dict[str, object]]:
        controls: list[dict[str, object]] = []
        scrolls = isinstance(window, wx.ScrolledWindow)
        corner = window.ClientToScreen(window.CalcScrolledPosition(0, 0) if scrolls else wx.Point())
        room = window.GetVirtualSize() if scrolls else window.GetClientSize()
        for child in window.GetChildren():
            if not child.IsShown():
                continue
            wanted, has = child.GetBestSize(), child.GetSize()
            if isinstance(child, wx.Button):
                # the least that a button is by custom is more than its text needs
                texts = [child.GetTextExtent(line).width for line in child.GetLabelText().splitlines()]
                wanted.width = min(wanted.width, max(texts, default=0) + child.FromDIP(12))
            controls.append(
                {
                    "kind": type(child).__name__,
                    "text": child.GetLabel(),
                    "name": child.GetName(),
                    "area": [*window.ClientToScreen(child.GetPosition()), *child.GetSize()],
                    "has": [has.width, has.height],
                    "wants": [wanted.width, wanted.height],
                    "within": [*corner, *room],
                }
            )
            controls += below(child)
        return controls

    room = wx.Display(top).GetClientArea()
    log.write(
        measured=below(top),
        window=[*top.GetScreenRect().Get()],
        room=[*room.Get()],
        scale=top.GetDPIScaleFactor(),
    )


def play_other_program(log: Log, text: str | None) -> None:
    """Put *text* on the clipboard, or write down what is on it."""
    import wx

    app = wx.App(redirect=False)
    clipboard = wx.TheClipboard
    deadline = time.monotonic() + 5
    while not clipboard.Open():
        assert time.monotonic() < deadline, "the clipboard is taken"
        app.Yield()
    if text is not None:
        clipboard.SetData(wx.TextDataObject(text))
        clipboard.Flush()
        log.write(copied=True)
    else:
        data = wx.TextDataObject()
        clipboard.GetData(data)
        log.write(pasted=data.GetText())
    clipboard.Close()


if __name__ == "__main__":
    main()
