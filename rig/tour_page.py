"""The page that shows what the clerk sees of each fault, as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from iea_agent.domain.diagnosis import Server, Stage
from iea_agent.domain.documents import ProblemDocument, ServerDocument
from iea_agent.shell.wording.report_text import SERVERS, STAGES
from iea_sandbox.faults import Fault, ServerName
from rig.window_texts import REPAIR_BUTTON

SANDBOX_NAMES: Mapping[Server, ServerName] = {Server.AUTHENTICATION: "auth", Server.UPDATES: "updates"}
"""The sandbox's name of each server of the agent."""


@dataclass
class Scene:
    """One fault as it was played; None stands for the beginning, when all is well."""

    fault: Fault | None
    left_out: str = ""
    """Why it could not be played."""
    servers: list[ServerDocument] = field(default_factory=list)
    """The agent's report of each server."""
    headline: str = ""
    texts: list[str] = field(default_factory=list)
    """The texts of the window after the test."""
    picture: str = ""
    size: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    unexpected: list[str] = field(default_factory=list)
    """A sentence for each difference from what was expected."""

    @property
    def name(self) -> str:
        """The name on the page and on the command line."""
        return self.fault.name if self.fault else "en-etat"

    @property
    def heading(self) -> str:
        """The heading under which the page shows it."""
        return self.fault.layer.heading if self.fault else "pour commencer"

    @property
    def description(self) -> str:
        """What was broken."""
        return self.fault.description if self.fault else "rien n’est cassé"


def code_of(report: ServerDocument) -> str:
    """Return the code of the problem in a server's report; "" if there is none."""
    problems = _problems(report)
    return str(problems[0]["code"]) if problems else ""


def _problems(report: ServerDocument) -> list[ProblemDocument]:
    """Return the problem that a report names, else what it found besides."""
    return [report["problem"]] if report["problem"] else report["findings"]


_HEAD = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ce que voit l’utilisateur, panne par panne</title>
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


def render_page(scenes: Sequence[Scene], seconds: float) -> str:
    """Return the whole page; *seconds* is how long the tour took."""
    unexpected = [scene for scene in scenes if scene.unexpected]
    left = [scene for scene in scenes if scene.left_out]
    parts = [
        _HEAD,
        "<h1>Ce que voit l’utilisateur, panne par panne</h1>",
        "<p>Chaque panne du bac à sable, jouée au programme de connexion de cette machine : ce qui a été cassé, ce qu’il en dit, et la fenêtre "
        "«\u00a0Paramètres de connexion\u00a0» une fois le test terminé.</p>",
        f"<p>{_count(len(scenes) - len(unexpected) - len(left), 'scène')} comme attendu, "
        f'<span class="{"amiss" if unexpected else "ok"}">{len(unexpected)} à voir</span>, '
        f"{count_left_out(len(left))}. Le tout en {seconds:.0f}\u00a0s.</p>",
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
            parts += _render_scene(scene)
    return "\n".join([*parts, "</html>\n"])


def _title(heading: str) -> str:
    return html.escape(heading[0].upper() + heading[1:])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def count_left_out(number: int) -> str:
    """Return *number* with the French words for left out."""
    return f"{number} laissée{'s' if number > 1 else ''} de côté"


def _mark(scene: Scene) -> str:
    if scene.left_out:
        return '<span class="left" title="laissée de côté">–</span>'
    if scene.unexpected:
        return '<span class="amiss" title="à voir">✗</span>'
    return '<span class="ok" title="comme attendu">✓</span>'


def _render_scene(scene: Scene) -> Iterator[str]:
    command = ""
    if scene.fault:
        parts = "|".join(scene.fault.parts)
        command = f" <small>iea-sandbox break {parts} --how {html.escape(scene.fault.how)}</small>"
    yield f'<h3 id="{scene.name}">{_mark(scene)} {html.escape(scene.name)}{command}</h3>'
    yield f"<p>Cassé : {html.escape(scene.description)}.</p>" if scene.fault else "<p>Rien n’est cassé.</p>"
    if scene.left_out:
        yield f'<p class="left">Laissée de côté. {html.escape(scene.left_out)}</p>'
        return
    for line in scene.unexpected:
        yield f'<p class="amiss">{html.escape(line)}</p>'
    if scene.headline:
        yield f"<p><strong>{html.escape(scene.headline)}</strong></p>"
    for name, report in _distinct_reports(scene):
        yield _render_report(name, report)
    offered = [text for text in scene.texts if text.startswith(REPAIR_BUTTON)]
    if offered:
        yield f"<p>Proposé en un clic, et vérifié avant : {html.escape(', '.join(offered))}.</p>"
    if scene.picture:
        width, height = scene.size
        yield (
            f'<img src="{scene.picture}" width="{width}" height="{height}" loading="lazy" '
            f'alt="La fenêtre des paramètres : {html.escape(scene.description)}">'
        )


def _distinct_reports(scene: Scene) -> list[tuple[str, ServerDocument]]:
    """Return each server's name and report, only one of two with the same problem."""
    reports = scene.servers
    if len(reports) == 2 and code_of(reports[0]) == code_of(reports[1]) != "":
        return [("Les deux serveurs", max(reports, key=lambda report: report["milliseconds"]))]
    return [(SERVERS[Server(report["server"])], report) for report in reports]


def _render_report(name: str, report: ServerDocument) -> str:
    seconds = f"{report['milliseconds'] / 1000:.2f}".replace(".", ",") + "\u00a0s"
    stage = report["failed_stage"]
    problems = _problems(report)
    rows = [(name, f"<code>{html.escape(report['address'])}</code>")]
    if not problems:
        rows.append(("Verdict", '<span class="ok">rien à signaler</span>'))
    for problem in problems:
        sentence = " ".join(filter(None, (problem["text"], problem["particulars"])))
        rows += [
            ("Problème", f"<strong>{html.escape(problem['title'])}</strong> ({problem['code']})"),
            ("Explication", html.escape(sentence)),
            ("Que faire", html.escape(problem["advice"])),
            ("Qui peut agir", html.escape(problem["actor_text"])),
        ]
        if problem["detail"]:
            rows.append(("Détail technique", f"<code>{html.escape(problem['detail'])}</code>"))
    if report["route"] not in ("", "direct"):
        rows.append(("Chemin", f"par le proxy <code>{html.escape(report['route'])}</code>"))
    rows.append(("Étape en échec", STAGES[Stage(stage)].lower() if stage else "aucune"))
    rows.append(("Temps jusqu’au verdict", seconds))
    return (
        "<table>" + "".join(f"<tr><th>{html.escape(n)}</th><td>{v}</td></tr>" for n, v in rows) + "</table>"
    )
