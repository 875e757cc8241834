"""Which files a findings report is made of, and what they hold."""

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError
from workbench.findings.document import FindingsDocument
from workbench.report.capture import notice
from workbench.report.findings import MARK, SCHEMA
from workbench.report.findings_json import to_json
from workbench.report.findings_markdown import to_markdown
from workbench.report.findings_sql import to_sql
from workbench.report.manifest import program_name
from workbench.report.origin import Origin
from workbench.report.step_picture import draw_step
from workbench.report.terms import device_words


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report.

    Attributes:
        texts: what each holds, the report itself first.
        stale: where an earlier report of this name may have left files that this one does not have.
        mark: what stands in every file of such a report.
    """

    texts: dict[Path, str]
    stale: tuple[Path, ...]
    mark: str


def report_files(document: FindingsDocument, output: Path, origin: Origin, *, as_json: bool) -> ReportFiles:
    """Renders a report that is to lie at `output`: one JSON file, or Markdown with its picture and SQL beside it.

    Raises:
        UserError: `output` is where one of the files beside it belongs.
    """
    if not output.name:
        raise UserError(f"{output} is a folder; name a file in it")
    if as_json:
        return ReportFiles({output: to_json(document, origin.manifest)}, (), f'"schema": "{SCHEMA}"')
    picture, sql = output.with_name(f"{output.stem}.svg"), output.with_name(f"{output.stem}.sql")
    if output in (picture, sql):
        raise UserError(f"{output} is what a file beside the report is called; name the report {output.stem}.md")
    beside = {}
    if document.profiles:
        told = " ".join(filter(None, (notice(document.info), program_name(origin.manifest))))
        beside[picture] = draw_step(document.profiles[0], MARK, told, device_words(document.info.is_of_cpu))
    if document.findings.findings:
        beside[sql] = to_sql(document)
    markdown = to_markdown(
        document,
        origin,
        pictures=[picture.name] if picture in beside else [],
        sql_file=sql.name if sql in beside else "",
    )
    stale = tuple(path for path in (picture, sql) if path not in beside)
    return ReportFiles({output: markdown, **beside}, stale, MARK)
