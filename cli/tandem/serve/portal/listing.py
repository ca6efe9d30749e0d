"""What lists have in common: which page of it is asked for, and what that page shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from tandem.queries import Row
from tandem.serve.portal import faults
from tandem.serve.queries import Page

SIZE = 50  # rows of a page
_DIGITS = 6  # of the number of a page


@dataclass(frozen=True)
class Asked:
    """A page of a list that is asked for.

    Attributes:
        number: of the page, from 1.
        size: rows of a page.
    """

    number: int
    size: int = SIZE

    @property
    def offset(self) -> int:
        """Rows before it."""
        return (self.number - 1) * self.size

    def of(self, found: Page) -> Sheet:
        """The page, of what was found.

        Raises:
            Fault: 404; the list is not so long.
        """
        pages = max(ceil(found.total / self.size), 1)
        if self.number > pages:
            raise faults.not_found(
                f"There is no page {self.number:,}; there {'is' if pages == 1 else 'are'}"
                f" {pages:,}."
            )
        return Sheet(found.rows, found.total, self.number, pages, self.offset + 1)


@dataclass(frozen=True)
class Sheet:
    """A page of a list.

    Attributes:
        rows: on it.
        total: of all pages.
        number, pages: which one, of how many.
        first: the number of its first row in the list.
    """

    rows: list[Row]
    total: int
    number: int
    pages: int
    first: int

    @property
    def last(self) -> int:
        """The number of its last row."""
        return self.first + len(self.rows) - 1


def read_page(text: str, size: int = SIZE) -> Asked:
    """The page whose number it is.

    Raises:
        Fault: 400; it is no number.
    """
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= _DIGITS and int(text) > 0):
        raise faults.bad_request("A page has a number: 1, 2, 3 and so on.")
    return Asked(int(text), size)
