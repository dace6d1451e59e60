"""Compiles modules inside the Windows Python; ``program_folder.py`` starts it.

Arguments: the source folder, the target folder, and how code is made smaller ("whole",
"plain" without docstrings, "short" also without assertions). The Python that compiles must
be the one that runs: byte code differs between versions.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags of a compiled module that is never compared with a source (PEP 552)."""
NO_SOURCE = bytes(8)


class _WithoutDocstrings(ast.NodeTransformer):
    """Takes the docstrings out; assertions stay."""

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del node.body[0]
                if not node.body and not isinstance(node, ast.Module):
                    node.body.append(ast.copy_location(ast.Pass(), first))
        return node


def compile_module(source: bytes, name: str, form: str) -> bytes:
    """Return the compiled module; *name* is what tracebacks call it."""
    tree = ast.parse(source, name)
    if form == "plain":
        _WithoutDocstrings().visit(tree)
    code = compile(tree, name, "exec", dont_inherit=True, optimize=2 if form == "short" else 0)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + NO_SOURCE + marshal.dumps(code)


def main() -> None:
    """Compile every module below the source folder, in the order of their names."""
    source, target, form = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    for file in sorted(source.rglob("*.py")):
        name = file.relative_to(source)
        compiled = target / name.with_suffix(".pyc")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compiled.write_bytes(compile_module(file.read_bytes(), name.as_posix(), form))


if __name__ == "__main__":
    main()
