from urllib.parse import unquote

import pytest

from tests.unit.report.odd_captures import NAMES
from tests.unit.report.rendered import cell_counts, code_blocks, html, inline_text, pictures, tables
from workbench.report.markdown import code, code_block, escape, link, markdown_table
from workbench.report.texts import one_line


@pytest.mark.parametrize("name", NAMES)
def test_escaped_text_means_itself(name: str) -> None:
    assert inline_text(escape(name)) == one_line(name)


@pytest.mark.parametrize("name", ["q_proj", "model.layers.3.self_attn", "k_bin_bcast", "a && b", "R&D", "1 + 2 = 3"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert escape(name) == name


def test_a_table_shows_every_cell_as_it_is() -> None:
    headings = ["name | names", "count"]
    rows = [[name, str(number)] for number, name in enumerate(NAMES)]
    markdown = markdown_table(headings, rows, numbers_from=1)
    (table,) = tables(markdown)
    assert table == [headings, *([one_line(name), number] for name, number in rows)]
    assert cell_counts(markdown) == [{2}]
    assert html(markdown) == set()


def test_numbers_are_aligned_to_the_right() -> None:
    assert markdown_table(["a", "b", "c"], [["x", "1", "2"]], numbers_from=1) == (
        "| a | b | c |\n| --- | ---: | ---: |\n| x | 1 | 2 |"
    )


def test_a_table_without_rows_is_its_headings() -> None:
    assert tables(markdown_table(["a", "b"], [], numbers_from=1)) == [[["a", "b"]]]


@pytest.mark.parametrize("text", ["step.launches <= 3", "a`b", "``", "`start", "end`", 'kernel("a```b").calls <= 1'])
def test_inline_code_holds_any_text(text: str) -> None:
    assert inline_text(code(text)) == text


@pytest.mark.parametrize("text", ["SELECT 1;", "-- a\n```\nSELECT '````';"])
def test_a_block_of_code_holds_any_text(text: str) -> None:
    assert code_blocks(code_block(text, "sql"), "sql") == [f"{text}\n"]


@pytest.mark.parametrize("name", ["report.svg", "my report.svg", "a(b).svg", "größe.svg", "50%.svg", "a#b?.svg"])
def test_a_link_leads_to_the_file(name: str) -> None:
    (target,) = pictures(f"![picture]({link(name)})")
    assert unquote(target) == name
    assert not set(target) & set(" ()#?")
