"""Which files a comparison's report is made of, and what they hold."""

from pathlib import Path

from workbench.compare.comparison import Comparison
from workbench.errors import UserError
from workbench.report.diff import MARK, UNKNOWN_ORIGIN, DiffOrigin, step_of, title
from workbench.report.diff_json import SCHEMA, to_json
from workbench.report.diff_markdown import to_markdown
from workbench.report.findings_files import ReportFiles
from workbench.report.waterfall import draw_waterfall


def diff_files(
    comparison: Comparison, output: Path, origin: DiffOrigin = UNKNOWN_ORIGIN, *, as_json: bool = False
) -> ReportFiles:
    """Renders a comparison that is to lie at `output`: one JSON file, or Markdown with its picture beside it.

    Raises:
        UserError: `output` is where the picture beside it belongs.
    """
    if not output.name:
        raise UserError(f"{output} is a folder; name a file in it")
    if as_json:
        return ReportFiles({output: to_json(comparison)}, (), f'"schema": "{SCHEMA}"')
    picture = output.with_name(f"{output.stem}.svg")
    if output == picture:
        raise UserError(f"{output} is what the picture beside the report is called; name the report {output.stem}.md")
    step = step_of(comparison)
    if step is None or comparison.is_without_difference:
        return ReportFiles({output: to_markdown(comparison, origin)}, (picture,), MARK)
    markdown = to_markdown(comparison, origin, pictures=[picture.name])
    return ReportFiles({output: markdown, picture: draw_waterfall(step, MARK, title(comparison))}, (), MARK)
