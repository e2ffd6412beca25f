"""JSON Schema of Structs, as requests are read and as answers are written: msgspec's own, made exact for the wire.

msgspec describes what it accepts. What it writes is stricter: a field with a default is there unless its Struct
leaves defaults out. So a type that is both read and written may need two schemas.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import NODEFAULT
from msgspec import inspect as shapes

Schema = dict[str, Any]


class Schemas:
    """The named schemas of one document: `parts`. Kinds of the first package that claims a name keep it."""

    def __init__(self, *, read: Iterable[Any] = (), written: Iterable[Any] = (), ref: str) -> None:
        self.parts: dict[str, Schema] = {}
        self._ref = ref
        self._written = _named(written)
        self._read = _named(read)
        self._told_apart = _told_apart(self._read)
        self._names: dict[tuple[str, Any], str] = {}
        for kinds, way in ((self._written, "written"), (self._read, "read")):
            for kind in kinds:
                self._names[way, kind] = self._name(kind, way)
        self.written = functools.partial(self._schema, "written")
        """The schema of a kind as it stands in answers."""
        self.read = functools.partial(self._schema, "read")
        """The schema of a kind as it stands in requests."""

    def _name(self, kind: Any, way: str) -> str:
        name = _short(kind)
        if way == "read" and kind in self._written:
            if not any(self._differs(shape) for shape in _named([kind]).values()):
                return self._names["written", kind]
            name += "Given"
        if name in self._names.values():
            name = f"{kind.__module__.partition('.')[0]}_{name}"
        if name in self._names.values():
            raise TypeError(f"two types are named {name}")
        return name

    def _schema(self, way: str, kind: Any) -> Schema:
        top, parts, inside = _said(kind)
        kinds = {re.sub(r"[^a-zA-Z0-9.\-_]", "_", _called(part)): part for part in inside}
        if len(kinds) < len(inside):
            raise TypeError(f"two types of one name stand in {_short(kind)}")
        refs = {name: self._ref.format(name=self._names[way, part]) for name, part in kinds.items()}
        for name, part in parts.items():
            own = self._names[way, kinds[name]]
            if own not in self.parts:
                self.parts[own] = _renamed(self._exact(part, inside[kinds[name]], way), refs)
        said: Schema = _renamed(top, refs)
        return said

    def _exact(self, part: Schema, shape: shapes.Type, way: str) -> Schema:
        """The part with the notes of its fields, and with those fields required that have to be there this way."""
        part = {name: value for name, value in part.items() if name != "title"}
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
        if not isinstance(shape, shapes.StructType) or shape.array_like:
            return part
        properties = {name: dict(field) for name, field in part["properties"].items()}
        for name, note in _notes(getattr(shape.cls, "__origin__", shape.cls), shape).items():
            properties[name].setdefault("description", note)
        there = self._required(shape, way)
        for name in there:
            properties[name].pop("default", None)
        if way == "written":
            part.pop("additionalProperties", None)  # fields are only ever added
        required = [name for name in properties if name in there]
        return part | {"properties": properties, "required": required} if required else part

    def _required(self, shape: shapes.StructType, way: str) -> set[str]:
        if way == "written":
            return {*_there(shape), *([shape.tag_field] if shape.tag_field else [])}
        tag = [shape.tag_field] if shape.tag_field and shape.cls in self._told_apart else []
        return {field.encode_name for field in shape.fields if field.required} | {*tag}

    def _differs(self, shape: shapes.Type) -> bool:
        """Is it read otherwise than it is written?"""
        return isinstance(shape, shapes.StructType) and (
            shape.forbid_unknown_fields or self._required(shape, "read") != self._required(shape, "written")
        )


@functools.lru_cache(1024)
def _said(kind: Any) -> tuple[Schema, Mapping[str, Schema], Mapping[Any, shapes.Type]]:
    """What msgspec says of a kind, with references by its own names, and the kinds that have names."""
    (top,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    return top, parts, _named([kind])


def _named(kinds: Iterable[Any]) -> dict[Any, shapes.Type]:
    """Every type that gets a name of its own, in these kinds and below."""
    found: dict[Any, shapes.Type] = {}
    for shape in shapes.multi_type_info(kinds):
        _collect(shape, found)
    return found


def _collect(shape: Any, found: dict[Any, shapes.Type]) -> None:
    if isinstance(shape, (tuple, list)):
        for part in shape:
            _collect(part, found)
    elif isinstance(shape, (shapes.Type, shapes.Field)):
        kind = getattr(shape, "cls", None)
        if kind is not None:
            if kind in found:
                return
            found[kind] = shape  # type: ignore[assignment]
        for name in shape.__struct_fields__:
            if name not in ("cls", "default", "default_factory"):
                _collect(getattr(shape, name), found)


def _told_apart(kinds: Mapping[Any, shapes.Type]) -> set[Any]:
    """Those that a tag tells from others at their place; elsewhere msgspec reads them without it, too."""
    found: set[Any] = set()
    for shape in kinds.values():
        for field in getattr(shape, "fields", ()):
            for union in _unions(field.type):
                structs = [part.cls for part in map(_bare, union.types) if isinstance(part, shapes.StructType)]
                found |= set(structs) if len(structs) > 1 else set()
    return found


def _unions(shape: shapes.Type) -> Iterator[shapes.UnionType]:
    """Those in a field's type."""
    shape = _bare(shape)
    if isinstance(shape, shapes.UnionType):
        yield shape
    inner = [getattr(shape, name, None) for name in ("item_type", "key_type", "value_type")]
    for part in [*inner, *getattr(shape, "item_types", ()), *getattr(shape, "types", ())]:
        if part is not None:
            yield from _unions(part)


def _bare(shape: shapes.Type) -> shapes.Type:
    while isinstance(shape, shapes.Metadata):
        shape = shape.type
    return shape


def _called(kind: Any) -> str:
    """The name by which msgspec knows a type: `Listed[ModelInfo]`."""
    if not hasattr(kind, "__origin__"):
        return str(kind.__name__)
    arguments = (part.__name__ if isinstance(part, type) else repr(part) for part in kind.__args__)
    return f"{kind.__origin__.__name__}[{', '.join(arguments)}]"


def _short(kind: Any) -> str:
    """Its name as ours: `ListedModelInfo`."""
    return re.sub(r"\W", "", _called(kind))


def _there(shape: shapes.StructType) -> Iterator[str]:
    """The fields that stand in every JSON which is written."""
    leaves_out = getattr(shape.cls, "__origin__", shape.cls).__struct_config__.omit_defaults
    for field in shape.fields:
        unset = field.default is NODEFAULT and field.default_factory is NODEFAULT
        if field.required or not (leaves_out or unset):
            yield field.encode_name


def _renamed(schema: Any, refs: Mapping[str, str]) -> Any:
    """Its references under our names."""
    match schema:
        case {"$ref": str(name), **more}:
            return {"$ref": refs[name], **{key: _renamed(value, refs) for key, value in more.items()}}
        case {"discriminator": {"mapping": dict(mapping), **rest}, **more}:
            found = {tag: refs[name] for tag, name in mapping.items()}
            return {key: _renamed(value, refs) for key, value in more.items()} | {
                "discriminator": {**rest, "mapping": found}
            }
        case dict():
            return {key: _renamed(value, refs) for key, value in schema.items()}
        case list():
            return [_renamed(value, refs) for value in schema]
        case _:
            return schema


def _notes(kind: type, shape: shapes.StructType) -> dict[str, str]:
    """The texts below fields in the source, by the fields' names on the wire."""
    wire = {field.name: field.encode_name for field in shape.fields}
    notes: dict[str, str] = {}
    for above in reversed(kind.__mro__):
        if not above.__module__.startswith("msgspec"):
            notes |= _module_notes(above.__module__).get(above.__qualname__, {})
    return {wire[name]: note for name, note in notes.items() if name in wire}


@functools.cache
def _module_notes(module: str) -> Mapping[str, Mapping[str, str]]:
    """Class -> field -> the text below it. Empty where there is no source to read."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, KeyError, TypeError, SyntaxError):
        return {}
    return {part.name: dict(_field_notes(part)) for part in tree.body if isinstance(part, ast.ClassDef)}


def _field_notes(part: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(part.body, part.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                yield name, inspect.cleandoc(text)
