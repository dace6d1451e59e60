"""The declared documents and their schemas in docs/ say the same."""

from __future__ import annotations

import json
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from iea_agent.domain import documents, report_documents

DOCS = Path(__file__).resolve().parents[2] / "docs"
JSON_NAMES = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}

Shape = dict[str, Any]
"""What schema and declaration are both reduced to."""


def shape_of_type(kind: Any) -> Shape:
    """Return the shape of a declared type."""
    if typing.is_typeddict(kind):
        fields = get_type_hints(kind, include_extras=True)
        assert kind.__required_keys__ == set(fields)
        return {"object": {name: shape_of_type(each) for name, each in fields.items()}}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated and issubclass(arguments[1], Enum):
        return {"values": [member.value for member in arguments[1]]}
    if origin is Literal:
        return {"values": list(arguments)}
    if origin in (Union, types.UnionType):
        return {name: value for each in arguments for name, value in shape_of_type(each).items()}
    if origin is list:
        return {"items": shape_of_type(arguments[0])}
    if origin is dict:
        return {"others": shape_of_type(arguments[1])}
    return {JSON_NAMES[kind]: True}


def shape_of_schema(schema: Shape, file: str) -> Shape:
    """Return the shape of *schema*, which stands in *file*."""
    if "$ref" in schema:
        place, path = schema["$ref"].split("#")
        node = json.loads((DOCS / (place or file)).read_text(encoding="utf-8"))
        for name in filter(None, path.split("/")):
            node = node[name]
        return shape_of_schema(node, place or file)
    if "oneOf" in schema:
        return {
            name: value for each in schema["oneOf"] for name, value in shape_of_schema(each, file).items()
        }
    if "const" in schema or "enum" in schema:
        return {"values": schema.get("enum", [schema.get("const")])}
    if schema["type"] == "array":
        return {"items": shape_of_schema(schema["items"], file)}
    if schema["type"] == "object" and "properties" not in schema:
        return {"others": shape_of_schema(schema["additionalProperties"], file)}
    if schema["type"] == "object":
        assert set(schema["required"]) == set(schema["properties"])
        assert schema["additionalProperties"] is False
        return {"object": {name: shape_of_schema(each, file) for name, each in schema["properties"].items()}}
    return {schema["type"]: True}


@pytest.mark.parametrize(
    ("document", "file"),
    [
        (documents.StatusDocument, "status.schema.json"),
        (documents.ServersTestDocument, "test.schema.json"),
        (report_documents.SupportReportDocument, "report.schema.json"),
    ],
)
def test_schema_and_declaration_agree_in_every_field(document: type, file: str) -> None:
    schema = json.loads((DOCS / file).read_text(encoding="utf-8"))
    assert shape_of_type(document) == shape_of_schema(schema, file)
