"""Pony's names with types: what mypy sees of a library that has none, and the library itself at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    T = TypeVar("T")

    class Meta(type):
        def __iter__(cls) -> Iterator[Any]: ...

    class Entity(metaclass=Meta):
        """What `database.Entity` is at run time."""

        def __init__(self, **values: Any) -> None: ...
        @classmethod
        def get(cls: type[T], **values: Any) -> T | None: ...
        @classmethod
        def exists(cls, **values: Any) -> bool: ...
        def set(self, **values: Any) -> None: ...
        def delete(self) -> None: ...

    def Required(kind: type[T] | str, **options: Any) -> T: ...
    def Optional(kind: type[T] | str, **options: Any) -> T: ...
    def PrimaryKey(*kinds: Any, **options: Any) -> Any: ...
    def Set(kind: str, **options: Any) -> Any: ...
    def composite_index(*attributes: Any) -> None: ...
    def select(query: Any) -> Any: ...
    def desc(attribute: Any) -> Any: ...
    def flush() -> None: ...
    def rollback() -> None: ...

    Database: Any
    Json: Any
    db_session: Any
else:
    from pony.orm import (  # noqa: F401
        Database,
        Json,
        Optional,
        PrimaryKey,
        Required,
        Set,
        composite_index,
        db_session,
        desc,
        flush,
        rollback,
        select,
    )
