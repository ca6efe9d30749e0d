"""Loading: files into the raw schema.

``reader`` splits a file into rows of text, ``validation`` writes the SQL that judges them, and
``loader`` runs one load as one transaction.
"""

from tandem.loading.loader import LoadResult, load_file

__all__ = ["LoadResult", "load_file"]
