"""Reads a rendered HTML page the way a checker would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"br", "meta", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """All elements of a page with their attributes, and its text as a reader meets it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.captions = 0
        self.styles: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag == "br":
            self._text.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"<{tag}> is not closed in order"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.styles.append(data)
            return
        self._text.append(data)
        if ("td" in self.open or "th" in self.open) and self.rows:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "".join(self._text)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]
