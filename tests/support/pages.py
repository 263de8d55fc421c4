"""What a browser reads of a page: its tags, and the cells of rows that have a name."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "input"}
"""Tags that are never closed."""


class Page(HTMLParser):
    """`unfit` are closing tags that close nothing, `open` those that nothing closes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unfit: list[str] = []
        self.rows: dict[str, list[str]] = {}
        self.numbers: dict[str, list[str]] = {}
        self._row = ""
        self.feed(html)
        self.close()

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute, of all tags."""
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self._row = attributes.get("id") or ""
            self.rows[self._row], self.numbers[self._row] = [], []
        elif tag == "td" and self._row:
            self.rows[self._row].append("")
            if (number := attributes.get("data-value")) is not None:
                self.numbers[self._row].append(number)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unfit.append(tag)
        if tag == "tr":
            self._row = ""

    def handle_data(self, data: str) -> None:
        if self._row and self.rows[self._row]:
            self.rows[self._row][-1] += data
