"""Renders what gates say as Markdown, for a file or the summary of a workflow's step."""

from workbench.gate.verdict import GateReport
from workbench.report.gate import MARK, context, model_sentences, remark_sentences, verdict
from workbench.report.gate_tables import gate_table, line_sentences
from workbench.report.markdown import escape, markdown_table


def to_markdown(report: GateReport) -> str:
    """The verdict, the table, and what each gate says; the mark stands last, so that the verdict comes first."""
    table = gate_table(report)
    parts = [f"**{escape(verdict(report))}**"]
    if table.rows:
        parts.append(markdown_table(table.headings, table.rows, table.texts))
    for model in report.models:
        told = [*(sentence for _, sentence in model_sentences(model)), *remark_sentences(model)]
        sentences = [f"- {escape(sentence)}" for sentence in told]
        parts.append("\n".join([f"{escape(model.model)}:", "", *sentences]))
    of_lines = [f"- {escape(sentence)}" for _, sentence in line_sentences(report)]
    if of_lines:
        parts.append("\n".join(of_lines))
    parts += [escape(sentence) for sentence in context(report)]
    return "\n\n".join([*parts, f"<!-- {MARK} -->"]) + "\n"
