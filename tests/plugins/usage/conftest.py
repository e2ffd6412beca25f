"""The tests' own PostgreSQL, as those of the storage plugin have it."""

from ..storage.conftest import postgres

__all__ = ["postgres"]
