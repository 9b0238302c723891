"""A report is one page that escapes its text and carries its pictures."""

import base64

import pytest

from causal_ssl.analysis.report import (
    Bullets,
    Cell,
    Code,
    Details,
    Picture,
    Report,
    Row,
    Section,
    Table,
    Text,
    render,
)

TABLE = Table(
    ["setting", "method", "value"],
    [
        Row([Cell("s", detail="small print", rows=2), Cell("m"), Cell("0.1", number=True)], True),
        Row([Cell("w"), Cell("0.2", number=True, strong=True)]),
    ],
    groups=[("", 2), ("group", 1)],
    caption="a caption",
)


@pytest.fixture
def page() -> str:
    blocks = [
        Text("1 < 2 & <script>alert()</script>"),
        Bullets(["first", "second"]),
        Code("make study"),
        Picture("bars", b"\x89PNG bytes", "what is seen", "in words", width=50),
        TABLE,
        Details("more", [Text("hidden")]),
    ]
    return render(Report("Title", "subtitle", "finding", ["a fact"], [Section("Part", blocks)]))


def test_text_is_escaped(page: str) -> None:
    assert "1 &lt; 2 &amp; &lt;script&gt;" in page
    assert "<script>" not in page


def test_pictures_travel_with_the_page(page: str) -> None:
    encoded = base64.b64encode(b"\x89PNG bytes").decode()
    assert f'src="data:image/png;base64,{encoded}"' in page
    assert 'alt="in words"' in page


def test_the_page_asks_for_nothing_from_outside(page: str) -> None:
    assert "http" not in page
    assert "<link" not in page


def test_every_block_is_shown(page: str) -> None:
    for part in ("<li>first</li>", "<pre>make study</pre>", "what is seen", "a caption", "hidden"):
        assert part in page


def test_a_cell_may_span_rows_and_numbers_are_set_right(page: str) -> None:
    assert '<td rowspan="2">s<small>small print</small></td>' in page
    assert '<td class="number"><strong>0.2</strong></td>' in page
    assert TABLE.numeric == {2}


def test_pictures_are_found_by_name() -> None:
    picture = Picture("bars", b"png", "", "")
    report = Report("", "", "", [], [Section("", [Text("x"), picture])])
    assert report.pictures() == {"bars": b"png"}
