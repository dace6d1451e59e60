"""Keep the English catalogue in step with the sentences of the source.

Run it after changing a sentence, write the missing English into the .po (``msgstr ""``), run it again. ``--check`` changes
nothing and returns 1 if the .po lacks a sentence or has one too many, or if the .mo is not what the .po says.
"""

from __future__ import annotations

import argparse
import ast
import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "iea_agent"
PO = SOURCE / "locale" / "en" / "LC_MESSAGES" / "iea_agent.po"
MO = PO.with_suffix(".mo")
MARKED: Mapping[str, Sequence[int | str]] = {
    "_": (0,),
    "N_": (0,),
    "Problem": ("title", "text", "advice"),
    "Interceptor": (2,),
}
"""The calls whose arguments are translated: by place or by name."""
HEADER = (
    "Language: en",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
)


def find_sentences() -> Iterator[tuple[str, str]]:
    """Yield every sentence that a person reads, after its place in the source.

    They are read from the syntax tree: whether Babel's own extractor sees inside an f-string depends on the version of Python.
    """
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKED:
                place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
                yield from ((place, text) for text in _list_texts(node, MARKED[node.func.id]))


def _list_texts(call: ast.Call, marked: Sequence[int | str]) -> Iterator[str]:
    arguments: dict[int | str | None, ast.expr] = dict(enumerate(call.args))
    arguments |= {keyword.arg: keyword.value for keyword in call.keywords}
    for place in marked:
        argument = arguments.get(place)
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def merge_sentences(catalogue: Catalog) -> Catalog:
    """Return *catalogue* with the sentences of the source.

    New ones are untranslated, removed ones are dropped, nothing is guessed.
    """
    sentences = Catalog()
    for _, text in find_sentences():
        sentences.add(text)
    catalogue.update(sentences, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def format_po(catalogue: Catalog) -> bytes:
    """Return the .po file, sorted and without places.

    So only a changed sentence changes it.
    """
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=110, omit_header=True, no_location=True, sort_output=True)
    header = "".join(f'"{line}\\n"\n' for line in HEADER)
    return (
        f'# Kept in step with the source by tools/translations.py.\nmsgid ""\nmsgstr ""\n{header}\n'.encode()
        + buffer.getvalue()
    )


class _Undated(Catalog):
    """A catalogue without date and version of Babel: same sentences, same bytes."""

    def __iter__(self) -> Iterator[Message]:
        yield Message("", "".join(f"{line}\n" for line in HEADER))
        yield from itertools.islice(super().__iter__(), 1, None)


def compile_mo(catalogue: Catalog) -> bytes:
    """Return the .mo file."""
    undated = _Undated()
    for message in catalogue:
        if message.id:
            undated.add(message.id, message.string)
    buffer = io.BytesIO()
    write_mo(buffer, undated)
    return buffer.getvalue()


def main() -> int:
    """Merge and compile, or with ``--check`` compare; return 1 if English is missing."""
    parser = argparse.ArgumentParser(description="Keep the English catalogue in step with the source.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 where something is stale"
    )
    check = parser.parse_args().check
    before = PO.read_bytes() if PO.exists() else format_po(Catalog())
    catalogue = merge_sentences(read_po(io.BytesIO(before), locale="en"))
    po = format_po(catalogue)
    mo = compile_mo(catalogue)
    complaints = [
        f"no English for: {message.id}" for message in catalogue if message.id and not message.string
    ]
    if check:
        if po != before:
            complaints.append(f"{PO.name} is not in step with the source")
        if not MO.exists() or mo != MO.read_bytes():
            complaints.append(f"{MO.name} is not what {PO.name} says")
    else:
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(po)
        MO.write_bytes(mo)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints and check:
        print("run tools/translations.py, then write the missing English into the .po", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
