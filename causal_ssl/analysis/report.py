"""One self-contained HTML page from text, tables and figures.

A report is a value: a title, a finding, and sections made of blocks. Rendering it needs no network
and the page asks for nothing from outside itself: pictures are data URIs, style is inline.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import ClassVar

from jinja2 import Environment, PackageLoader


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A bulleted list of plain text."""

    kind: ClassVar[str] = "list"
    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Commands or files, shown as they are."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Picture:
    """A figure: its file name (without folder), PNG bytes, caption, and a description for who
    cannot see it; `width` in percent of the text, 0 for all of it."""

    kind: ClassVar[str] = "figure"
    name: str
    png: bytes
    caption: str
    alt: str
    width: int = 0

    @property
    def base64(self) -> str:
        """The PNG as text for a data URI."""
        return base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Cell:
    """One cell of a table: text, small print below it, and how it is set."""

    text: str
    detail: str = ""
    number: bool = False
    strong: bool = False
    rows: int = 1


@dataclass(frozen=True)
class Row:
    """Cells of one row; `first` opens a group of rows, with a line above it."""

    cells: Sequence[Cell]
    first: bool = False


@dataclass(frozen=True)
class Table:
    """A table: column titles, perhaps group titles (title, columns spanned) above them, rows."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Row]
    groups: Sequence[tuple[str, int]] = ()
    caption: str = ""

    @property
    def numeric(self) -> set[int]:
        """Columns set flush right: those whose last cells are numbers."""
        if not self.rows:
            return set()
        # Rows that a cell from above reaches into are shorter: count from the right.
        longest = max(self.rows, key=lambda row: len(row.cells))
        shift = len(self.columns) - len(longest.cells)
        return {k + shift for k, cell in enumerate(longest.cells) if cell.number}


@dataclass(frozen=True)
class Details:
    """Blocks that open on a click."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: Sequence["Block"]


Block = Text | Bullets | Code | Picture | Table | Details


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; without a title it continues the page's head."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A page.

    Args:
        title: what was asked.
        subtitle: what was done, in one line.
        finding: what came out, in a sentence or two.
        discussion: more of it, in smaller print.
        facts: short facts shown as labels.
        sections: the rest, in order.
        footer: last line.
    """

    title: str
    subtitle: str
    finding: str
    facts: Sequence[str]
    sections: Sequence[Section]
    discussion: str = ""
    footer: str = ""

    def pictures(self) -> dict[str, bytes]:
        """Every figure's PNG by name."""
        return {
            picture.name: picture.png
            for section in self.sections
            for picture in _pictures(section.blocks)
        }


def _pictures(blocks: Sequence[Block]) -> Iterator[Picture]:
    """Every picture, those that open on a click included."""
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Details):
            yield from _pictures(block.blocks)


def render(report: Report) -> str:
    """A report as HTML; all text is escaped.

    Examples:
        >>> page = render(Report("A < B?", "", "Yes.", [], [Section("How", [Text("Counted.")])]))
        >>> "<h1>A &lt; B?</h1>" in page, "http" in page
        (True, False)
    """
    environment = Environment(
        loader=PackageLoader("causal_ssl.analysis"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (resources.files("causal_ssl.analysis") / "templates" / "report.css").read_text()
    environment.globals["css"] = environment.filters["safe"](css)
    return environment.get_template("report.html.j2").render(report=report)
