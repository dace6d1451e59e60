"""Play the window of the updates with a port of its own.

``updates_stage.py LOG --source FILE`` shows what a file says, anew each time that it changes. It writes what the window asks for to LOG, one JSON line
each. A version of the file whose name is ``refus`` is refused.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

# as a program it finds only the agent's source: the Windows Python looks nowhere else
sys.path.insert(0, str(Path(__file__).parents[2]))

from iea_agent import locale
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.refusals import AgentTimedOut, RefusedError
from iea_agent.domain.update_catalogue import Offer, Release, ReleaseKind
from iea_agent.domain.update_choice import Listed, Postponement, Reason, UpdateChoice, Wishes
from iea_agent.domain.update_machine import UpdateSnapshot, UpdateState
from iea_agent.domain.update_record import LaunchWish
from iea_agent.shell.dialogs import updates_dialog
from iea_agent.shell.wording.notes_text import HistoryEntry
from iea_agent.shell.wording.update_overview import CheckFacts, UpdateFacts
from tests.desktop.dialog_stage import Log, listen
from tests.releases import make_offer

NOTES = """\
# Lisez-moi V73

– Mise à jour technique –

## Sécurité informatique

Afin de renforcer la sécurité des échanges de données, des modifications sont apportées au niveau du serveur d’authentification (https://).
**Une manipulation de votre part est nécessaire** : suivez le guide, c’est [ICI](https://exemple.fr/guide).

## DSN

- Anomalie corrigée concernant la génération de la DSN pour les cas de bulletins **sans référence à un temps de travail** (rémunération uniquement constituée de
  maintien de salaire, congés payés, IJ…).
- Heures supplémentaires :
  - taux revus ;
  - libellés corrigés.

## Comment joindre l’assistance ?

1. L’unique adresse est : [impact-emploi-association@urssaf.fr](mailto:impact-emploi-association@urssaf.fr).
2. Un accusé réception vous informera de la prise en compte de votre demande.

<script>alert("rien n’est exécuté")</script>
"""


LENGTH = 210_000_000


class UpdatesOnStage:
    """The port of the updates: plays what the file says."""

    can_launch = True

    def __init__(self, log: Log, source: Path) -> None:
        self._log = log
        self._source = source
        self.has_site = bool(self._load("site"))

    def sign(self) -> object:
        return self._source.stat().st_mtime_ns

    def _load(self, name: str) -> Any:
        return json.loads(self._source.read_text(encoding="utf-8")).get(name)

    def look(self, kind: ReleaseKind) -> UpdateFacts:
        document = self._load(kind.value) or {}
        listed = tuple(
            Listed(self._offer(kind, version, changes), tuple(map(Reason, reasons)))
            for version, reasons, changes in document.get("listed", ())
        )
        version = document.get("version", "")
        return UpdateFacts(
            kind,
            document.get("installed", ""),
            UpdateSnapshot(
                UpdateState(document.get("state", "none")),
                document.get("since", 0.0),
                version,
                length=LENGTH if version else 0,
                sha256=f"of {version}" if version else "",
                code=document.get("code", ""),
            ),
            UpdateChoice(None, listed, document.get("withdrawn", False)),
            Progress(*document["progress"]) if "progress" in document else None,
            document.get("waits_for", ""),
            tuple(document.get("result", ())),
            launch=LaunchWish(document.get("launch", "none")),
            wishes=Wishes(put_off=document.get("put_off", {})),
        )

    def _offer(self, kind: ReleaseKind, version: str, changes: dict[str, Any]) -> Offer:
        offer = make_offer(version, **{"kind": kind.value, **changes})
        return replace(offer, file=replace(offer.file, length=LENGTH))

    def look_at_check(self) -> CheckFacts:
        return CheckFacts(**(self._load("check") or {}))

    def list_history(self) -> tuple[HistoryEntry, ...]:
        return tuple(
            HistoryEntry(**{**each, "lines": tuple(each["lines"])}) for each in self._load("history") or ()
        )

    def explain(self, name: str) -> str:
        self._log.write(explained=name)
        return ""

    def _ask(self, name: str, *about: object) -> None:
        ui_thread = threading.current_thread() is threading.main_thread()
        self._log.write(asked=name, about=about, ui_thread=ui_thread)
        if self._load("refuses"):
            raise RefusedError(AgentTimedOut())

    def check(self) -> None:
        self._ask("check")

    def start_download(self, kind: ReleaseKind, version: str) -> None:
        self._ask("download", kind.value, version)

    def pause(self, kind: ReleaseKind) -> None:
        self._ask("pause", kind.value)

    def cancel(self, kind: ReleaseKind) -> None:
        self._ask("cancel", kind.value)

    def install(self, kind: ReleaseKind, *, launches: bool) -> None:
        self._ask("install", kind.value, *(["launches"] if launches else []))

    def skip(self, kind: ReleaseKind, version: str) -> None:
        self._ask("skip", kind.value, version)

    def put_off(self, kind: ReleaseKind, version: str, postponement: Postponement) -> None:
        self._ask("put_off", kind.value, version, postponement.value)

    def recall(self, kind: ReleaseKind, version: str) -> None:
        self._ask("recall", kind.value, version)

    def read_result(self, kind: ReleaseKind) -> None:
        self._log.write(read=kind.value)

    def take_file(self, path: str, report: Callable[[Progress], None]) -> Release:
        report(Progress(50, 100))
        self._ask("file", path)
        return make_offer("3.00.74").release

    def list_preparations(self, kind: ReleaseKind) -> tuple[str, ...]:
        self._log.write(prepared=kind.value)
        return tuple(self._load("preparations") or ())

    def describe_site(self) -> Mapping[ReleaseKind, str]:
        ui_thread = threading.current_thread() is threading.main_thread()
        self._log.write(described=True, ui_thread=ui_thread)
        return {ReleaseKind(kind): sentence for kind, sentence in self._load("site").items()}

    def read_notes(self, release: Release) -> str:
        self._log.write(noted=release.version)
        return NOTES.replace("73", release.version[-2:]) if release.version != "3.00.70" else ""

    def print_notes(self, release: Release) -> str:
        self._ask("print", release.version)
        return ""

    def print_history(self) -> str:
        self._ask("print", "history")
        return ""

    def launch(self) -> None:
        self._ask("launch")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--source", type=Path, required=True, help="the file that says what there is to see")
    parser.add_argument("--language", default="fr")
    options = parser.parse_args()
    locale.choose(options.language)
    log = Log(options.log)
    threading.Thread(target=listen, args=(log,), daemon=True).start()
    updates_dialog.run(UpdatesOnStage(log, options.source), lambda: log.write(shown=True, at=time.time()), ())
    log.write(closed=True)


if __name__ == "__main__":
    main()
