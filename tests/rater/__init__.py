"""The rater: a plain sequential reference implementation of Tandem, written from the
specification alone, against which the SQL implementation is checked (see README.md)."""

from .catalog import Catalog
from .feeds import LoadResult
from .rater import CloseRefusedError, Rater

__all__ = ["Catalog", "CloseRefusedError", "LoadResult", "Rater"]
