"""The registry's table, on the terminal and in the docs."""

from pathlib import Path

import pytest

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.experiments import methods_table

DOCS = Path(__file__).parents[2] / "docs" / "pretraining.md"


def test_the_docs_have_the_table_as_it_is() -> None:
    assert methods_table.as_markdown(methods_table.methods_table()) in DOCS.read_text()


def test_every_method_has_a_row_and_the_text_is_aligned() -> None:
    rows = methods_table.methods_table()
    assert [row[0] for row in rows] == methods.all_names()
    lines = methods_table.as_text(rows).splitlines()
    starts = {line.index(row[1], len(row[0])) for line, row in zip(lines[1:], rows, strict=True)}
    assert starts == {lines[0].index("objective")}


@pytest.mark.parametrize("name", methods.all_names())
def test_a_description_names_source_and_what_a_paper_leaves_open(name: str) -> None:
    method, text = methods.get(name), methods_table.described(name)
    assert method.citation in text
    if method.images is None:
        assert "no recipe for images" in text
    else:
        assert all(note in text for note in method.images.notes)
        assert method.images.source in text


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'moco_v2'"):
        methods_table.described("moco2")
