"""Render docs/problemes, the guide and the declaration into iea_agent/shell/pages.

Each page is one HTML file that needs nothing else, so that it can be read offline from a dialog: the style is inside, so is the
only script, the search on the index, which can be read without it too. The pictures lie beside the pages (``tools/draw_windows.py``) and
among the icons. The only links lead to the other pages and to the support's address. What the catalogue says about a problem
(``domain/problems.py``) stands above what its page says. The guide becomes one page for each task.
"""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from PIL import Image

from iea_agent.domain import problems
from iea_agent.locale import _

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = ROOT / "docs" / "problemes"
GUIDE = ROOT / "docs" / "guide.md"
DECLARATION = ROOT / "docs" / "declaration.md"
SENT = ROOT / "docs" / "envois.md"
SHIPPED = ROOT / "src" / "iea_agent" / "shell" / "pages"
ICONS = ROOT / "src" / "iea_agent" / "shell" / "icons"

NBSP = "\N{NO-BREAK SPACE}"

PAGE = Template("""\
<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<a class="skip" href="#contenu">Aller au contenu</a>
<nav aria-label="Aide"><ul>
$links</ul></nav>
<main id="contenu">
$body</main>
<footer><p>$below</p></footer>
</body>
</html>
""")

STYLE = """\
:root{--text:#1b1b1f;--soft:#55565c;--back:#fff;--box:#f1f4f9;--line:#d4d8e0;--blue:#1b4f9c}
@media (prefers-color-scheme:dark){:root{--text:#e8e8ec;--soft:#b0b2ba;--back:#1c1d21;--box:#272a31;--line:#41454f;--blue:#9cc2ff}}
body{margin:0 auto;max-width:44rem;padding:1.5rem;font:1.0625rem/1.55 "Segoe UI",system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.6rem;line-height:1.25;margin:.3rem 0 .8rem}
h2{font-size:1.2rem;margin:1.8rem 0 .5rem;color:var(--blue)}
a{color:var(--blue)}
li{margin:.35rem 0}
img{vertical-align:middle;max-width:100%;height:auto}
.window{display:block;margin:.8rem 0 1.4rem;border:1px solid var(--line);border-radius:4px}
ol,ul{padding-left:1.6rem}
code{font:.94em Consolas,monospace;background:var(--box);padding:.1em .3em;border-radius:3px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
@media(max-width:36rem){body{padding:1rem}th,td{hyphens:auto;overflow-wrap:break-word}table{font-size:.9rem}}
@media(max-width:24rem){th,td{overflow-wrap:anywhere}}
td:first-child a,td:first-child code{white-space:nowrap}
.skip{position:absolute;left:-99rem;background:var(--back);padding:.5rem}
.skip:focus{left:.5rem;top:.5rem}
nav ul{list-style:none;padding:0;margin:0;display:flex;flex-wrap:wrap;gap:0 1.5rem}
nav,footer{color:var(--soft);font-size:.95rem}
footer{margin-top:2.5rem;border-top:1px solid var(--line)}
.told{background:var(--box);border-left:4px solid var(--blue);padding:.6rem 1rem;margin:1rem 0}
.told p{margin:.3rem 0}
.others{margin-top:2.5rem;border-top:1px solid var(--line);font-size:.95rem}
.others h2{font-size:1.05rem;color:var(--soft)}
@media print{:root{--text:#000;--soft:#333;--back:#fff;--box:#fff;--line:#999;--blue:#000}body{max-width:none;padding:0;font-size:11pt}
h2{break-after:avoid}li,p{break-inside:avoid}nav,.skip{display:none}}"""


NAVIGATION = {
    "index": "Tous les problèmes",
    "guide": "Guide de l’utilisateur",
    "accessibilite": f"Accessibilité{NBSP}: partiellement conforme",
}
"""The pages to which every page has a link, and what the link is called."""

TASKS = {
    "La première fois": "guide-connexion",
    "Le cœur rouge": "guide-panne",
    "Vérifier les paramètres de connexion": "guide-parametres",
    "Le mode assistance": "guide-assistance",
    "Demander le mot de passe du jour": "guide-mot-de-passe",
    "Désactiver le mode assistance (si scarabée rouge)": "guide-desactiver",
    "Joindre l’assistance": "guide-joindre",
    "Lancer Impact emploi": "guide-lancer",
    "Mettre à jour Impact emploi": "guide-mise-a-jour",
    "Tout faire au clavier": "guide-clavier",
}
"""The headings at which a page of the guide begins, and its name."""

CALLED = {
    "guide": "icone boule bleue notifications barre des taches disparue disparu",
    "guide-connexion": "premiere installation installer configurer cle numero licence",
    "guide-panne": "panne erreur echec connexion connecter connecte deconnecte impossible internet serveur bloque probleme code point rouge",
    "guide-parametres": "adresse parametres reglage tester test coche verte rond barre securise mise a jour",
    "guide-assistance": "assistance scarabee activer travailler sans connexion demarre impact emploi",
    "guide-mot-de-passe": "mdp code du jour",
    "guide-desactiver": "scarabee quitter sortir mode assistance",
    "guide-joindre": "contacter contact mail courriel telephone aide support ecrire",
    "guide-lancer": "ouvrir demarrer raccourci bureau logiciel introuvable emplacement",
    "guide-mise-a-jour": "centre de maintenance telecharger installer nouvelle version lisez moi historique maj",
    "guide-clavier": "clavier souris touche touches raccourcis alt tab entree fleches",
    "IEA-T12": "avast avg avira bitdefender eset kaspersky mcafee norton",
}
"""What a person may call the matter of a page, beside its title; as it is typed without accents."""

DENSITY = 1.5
"""Pixels of a picture of a window for one of the page: it is taken at 150 %, and stays sharp on a dense screen."""

SEARCH = ROOT / "tools" / "problem_search.js"

IGNORED = (
    "a ai au aux avec c ca ce ces cet cette d dans de des du elle en est et fonctionne il ils j je l la le les leur m ma mais marche me"
    " mes mon n ne notre nous on ou par pas plus pour qu que qui s sa se ses si son sont sur un une vos votre vous y"
)
"""Words without which a search finds the same; as they are typed without accents."""

FIELD = Template("""\
<div id="recherche" role="search" hidden>
<label for="mots">Que voyez-vous$space? Quelques mots, ou le code affiché</label>
<input id="mots" type="search" autocomplete="off" spellcheck="false" data-ignored="$ignored" data-otherwise="panne">
<p id="nombre" role="status"></p>
<table aria-label="Pages trouvées"><tbody id="resultats"></tbody></table>
</div>
""")

FIELD_STYLE = """
label{font-weight:600}
input{box-sizing:border-box;width:100%;min-height:2.5rem;padding:.3rem .6rem;font:inherit;color:var(--text);background:var(--back);border:1px solid var(--soft)}
td:first-child{width:6.5rem}"""

ANCHORS = {
    "#" + re.sub(r"[^\w ]", "", title).lower().replace(" ", "-"): name for title, name in TASKS.items()
}
"""What leads to a heading of the guide on its one written page, and the page that it becomes."""

OTHERS = re.compile(r"<h2>Pour (?:la personne|l’assistance).*", re.DOTALL)
"""The part of a page after the clerk's own part: what she shows to another person."""


class _Renderer(RendererHTML):
    """Markdown to HTML, with links to the rendered pages."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the tag of a link to another page or to the support.

        Raises ``ValueError`` for a link that leads outside.
        """
        target = str(tokens[idx].attrs["href"])
        page = re.fullmatch(r"(?:problemes/)?(IEA-\w\d\d|README|envois|guide[a-z-]*)\.md", target)
        if target.startswith("#"):
            tokens[idx].attrs["href"] = ANCHORS[unquote(target)] + ".html"
        elif page:
            tokens[idx].attrs["href"] = page[1].replace("README", "index") + ".html"
        elif target != f"mailto:{problems.SUPPORT_ADDRESS}":
            raise ValueError(f"a page that is read offline has no link to {target}")
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return the tag of a picture that ships: one beside the pages, or an icon.

        Raises ``ValueError`` for another one. A window has ``DENSITY`` pixels for one of the page, an icon two.
        """
        picture = (GUIDE.parent / str(tokens[idx].attrs["src"])).resolve()
        text = escape(tokens[idx].content)
        with Image.open(picture) as image:
            width, height = image.size
        if picture.parent == ICONS:
            size = f'width="{width // 2}" height="{height // 2}"'
            return f'<img src="../icons/{picture.name}" alt="{text}" {size}>'
        if picture.parent != SHIPPED:
            raise ValueError(f"a page that is read offline has no picture at {picture}")
        size = f'width="{round(width / DENSITY)}" height="{round(height / DENSITY)}"'
        return f'<img class="window" src="{picture.name}" alt="{text}" {size}>'

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return the tag of a heading of a column, which says so."""
        tokens[idx].attrSet("scope", "col")
        return self.renderToken(tokens, idx, options, env)


MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def render_page(name: str, text: str) -> str:
    """Return the page *name* as HTML.

    Raises ``ValueError`` for a link that leads outside.
    """
    heading = text.splitlines()[0].removeprefix("# ")
    # the markers of a generated section are not for readers
    body = MARKDOWN.render(re.sub(r"<!-- .*? -->\n", "", text))
    if name in problems.CATALOGUE:
        problem = problems.CATALOGUE[name]
        sentences = "".join(
            f"<p>{escape(_(sentence))}</p>\n" for sentence in (problem.text, problems.ACTORS[problem.actor])
        )
        body = body.replace("</h1>\n", f'</h1>\n<div class="told">\n{sentences}</div>\n', 1)
        body = OTHERS.sub(r'<section class="others">\n\g<0></section>\n', body, count=1)
    current = {name: ' aria-current="page"'}
    style = STYLE
    if name == "index":
        body, style = add_search(body), STYLE + FIELD_STYLE
    links = "".join(
        f'<li><a href="{page}.html"{current.get(page, "")}>{label}</a></li>\n'
        for page, label in NAVIGATION.items()
    )
    address = f'<a href="mailto:{problems.SUPPORT_ADDRESS}">{problems.SUPPORT_ADDRESS}</a>'
    below = (
        f"Programme de connexion d’Impact emploi association. Assistance{NBSP}: {address}. C’est l’adresse de l’éditeur{NBSP}; si le programme "
        "de connexion en affiche une autre, écrivez à celle-ci."
    )
    return PAGE.substitute(title=escape(heading), style=style, links=links, body=body, below=below)


def add_search(body: str) -> str:
    """Return the index with the pages of the guide and a search in all pages."""
    rows = "".join(
        f'<tr>\n<td>Guide</td>\n<td><a href="{name}.html">{title}</a></td>\n</tr>\n'
        for name, (title, _text) in read_guide().items()
    )
    body += f"<h2>Le guide</h2>\n<table>\n<tbody>\n{rows}</tbody>\n</table>\n"
    body = re.sub(
        r'<tr>(?=\n(?:<td>Guide</td>\n)?<td><a href="([\w-]+)\.html">)',
        lambda row: f'<tr data-order="{find_order(row[1])}" data-words="{"|".join(list_words(row[1]))}">',
        body,
    )
    body = re.sub(r"(<h2>.*?</table>\n)", r'<section class="group">\n\1</section>\n', body, flags=re.DOTALL)
    field = FIELD.substitute(space=NBSP, ignored=IGNORED)
    script = f"<script>\n{SEARCH.read_text(encoding='utf-8')}</script>\n"
    return body.replace("</h1>\n", f"</h1>\n{field}", 1) + script


def find_order(name: str) -> int:
    """Return the place of the page *name* among those that a search cannot tell apart."""
    if name not in problems.CATALOGUE:
        return 0
    return 1 + list(problems.ACTORS).index(problems.CATALOGUE[name].actor)


def list_words(name: str) -> list[str]:
    """Return the words by which the page *name* is searched, in three groups.

    For a problem these are the words of its code and title and of ``CALLED``; of its sentence and of what its page says of what
    is seen; of its causes. For a page of the guide, of its title and ``CALLED``; of its headings; of the rest. A word stands once.
    """
    if name in problems.CATALOGUE:
        problem = problems.CATALOGUE[name]
        page = (WRITTEN / f"{name}.md").read_text(encoding="utf-8")
        seen, _heading, rest = page.partition("\n## Ce que vous voyez\n")[2].partition("\n## Pourquoi\n")
        texts = [
            f"{name} {_(problem.title)} {CALLED.get(name, '')}",
            f"{_(problem.text)} {seen}",
            rest.partition("\n## Que faire")[0],
        ]
    else:
        title, page = read_guide()[name]
        headings = " ".join(re.findall(r"^## (.*)$", page, flags=re.MULTILINE))
        texts = [f"{title} {CALLED[name]}", headings, page]
    groups: list[str] = []
    before = set(IGNORED.split())
    for text in texts:
        words = split_words(text) - before
        groups.append(" ".join(sorted(words)))
        before |= words
    return groups


def split_words(text: str) -> set[str]:
    """Return the words of *text* in small letters without accents."""
    # not the targets of links and pictures
    text = re.sub(r"\]\([^)]*\)", " ", text).lower().replace("œ", "oe")
    plain = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    # a person may type « wifi »
    joined = {word.replace("-", "") for word in re.findall(r"[a-z0-9]+-[a-z0-9]+", plain)}
    return joined.union(re.findall(r"[a-z0-9]+", plain))


def read_guide() -> dict[str, tuple[str, str]]:
    """Return title and text of each page of the guide by its name."""
    pages = split_guide(GUIDE.read_text(encoding="utf-8"))
    return {name: (text.splitlines()[0].removeprefix("# "), text) for name, text in pages.items()}


def split_guide(text: str) -> dict[str, str]:
    """Return each page of the guide by its name; the first one lists the others.

    Raises ``ValueError`` if a heading of ``TASKS`` is not there, or there are too many.
    """
    first, *parts = re.split(rf"^##+ (?=(?:{'|'.join(map(re.escape, TASKS))})$)", text, flags=re.MULTILINE)
    titles = [part.splitlines()[0] for part in parts]
    if titles != list(TASKS):
        raise ValueError(f"the guide has the tasks {titles}")
    listed = "".join(f"1. [{title}]({name}.md)\n" for title, name in TASKS.items())
    pages = {"guide": f"{first}## Les tâches, une par page\n\n{listed}"}
    for title, part in zip(titles, parts, strict=True):
        # the title of the page is of the first level, the others follow it
        pages[TASKS[title]] = "# " + re.sub(r"^###+ ", "## ", part, flags=re.MULTILINE)
    return pages


def render_all() -> dict[str, bytes]:
    """Return every file that ships, by name."""
    texts = {
        source.stem.replace("README", "index"): source.read_text(encoding="utf-8")
        for source in sorted(WRITTEN.glob("*.md"))
    }
    texts |= split_guide(GUIDE.read_text(encoding="utf-8"))
    texts["accessibilite"] = DECLARATION.read_text(encoding="utf-8")
    texts["envois"] = SENT.read_text(encoding="utf-8")
    return {f"{name}.html": render_page(name, text).encode() for name, text in texts.items()}


def list_differences(folder: Path) -> list[str]:
    """Return a sentence for each file in *folder* that differs from its page."""
    expected = render_all()
    present = {path.name: path.read_bytes() for path in folder.glob("*.html")}
    differences = [f"{name}: missing" for name in expected.keys() - present.keys()]
    differences += [f"{name}: rendered from no page" for name in present.keys() - expected.keys()]
    differences += [
        f"{name}: not what its page renders to"
        for name in expected.keys() & present.keys()
        if expected[name] != present[name]
    ]
    return sorted(differences)


def main() -> int:
    """Render, or with ``--check`` compare; return 1 if a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a file differs from its page"
    )
    parser.add_argument("--into", type=Path, default=SHIPPED, metavar="FOLDER", help="default: %(default)s")
    arguments = parser.parse_args()
    if arguments.check:
        differences = list_differences(arguments.into)
        print("\n".join(differences) or "pages: as written")
        return 1 if differences else 0
    arguments.into.mkdir(parents=True, exist_ok=True)
    for stale in arguments.into.glob("*.html"):
        stale.unlink()
    for name, data in render_all().items():
        (arguments.into / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
