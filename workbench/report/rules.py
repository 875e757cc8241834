"""Renders which rule took a kernel, and a stub for what none took."""

import json
import re

from workbench.analysis.explanation import Explanation, OpenRange, Site
from workbench.report import units
from workbench.report.texts import one_line

_MOST_NAMES = 5


def explanation_text(explanation: Explanation) -> str:
    """The explanation as text; the YAML of a stub can be pasted into a rule file."""
    names = ", ".join(map(one_line, explanation.kernels[:_MOST_NAMES]))
    lines = [
        f"{units.counted(explanation.count, 'kernel')} with {explanation.wanted!r} in the name, "
        f"{units.time(explanation.total_ns)}: {names}{', ...' if len(explanation.kernels) > _MOST_NAMES else ''}"
    ]
    for site in explanation.sites:
        lines += ["", *_site_lines(site)]
    if explanation.more_sites:
        lines += ["", f"... and {explanation.more_sites} more sites with less time"]
    stubs = [site for site in explanation.sites if not site.rule]
    if stubs:
        lines += ["", "# No rule takes the others. A rule file for --rules might hold:", *_stub_lines(stubs)]
    return "\n".join(lines) + "\n"


def _site_lines(site: Site) -> list[str]:
    if site.rule:
        role, layer = site.role and f" {site.role}", site.layer and f", layer {site.layer}"
        lines = [f"{site.layer_type}{role}{layer}", f"  taken by {site.rule}: {site.asks}"]
    else:
        lines = [f"not attributed: {site.reason}"]
    lines.append(f"  {units.counted(site.count, 'kernel')}, {units.time(site.total_ns)}")
    if not site.ranges:
        return [*lines, "  described outside any range"]
    lines.append(f"  described in{' (one of several alike)' if site.is_example else ''}:")
    return lines + ["  " * depth + _range_text(part) for depth, part in enumerate(site.ranges, 2)]


def _range_text(part: OpenRange) -> str:
    domain = f"  [domain {part.domain}]" if part.domain else ""
    category = f"  [category {part.category}]" if part.category else ""
    return one_line(f"{part.name}{domain}{category}")


def _stub_lines(sites: list[Site]) -> list[str]:
    by_range = [site for site in sites if site.ranges]
    by_name = [site for site in sites if not site.ranges]
    lines = []
    if by_range:
        lines.append("layers:")
        for site in by_range:
            innermost = site.ranges[-1]
            lines.append(f"  - range: {_quoted('^' + site.pattern + '$')}")
            if innermost.domain:
                lines.append(f"    domain: {_quoted(re.escape(innermost.domain))}")
            lines.append("    layer_type: ???  # attention, mlp, norm, ...")
    if by_name:
        lines.append("kernels:")
        for kernel in dict.fromkeys(site.kernel for site in by_name):
            lines += [f"  - kernel: {_quoted(kernel)}", "    layer_type: ???", "    anywhere: true"]
    return lines


def _quoted(text: str) -> str:
    """The text as a YAML scalar on one line."""
    return "'" + text.replace("'", "''") + "'" if text.isprintable() else json.dumps(text)
