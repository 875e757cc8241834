"""Renders which rule took a kernel, and a stub for what none took."""

import json
import re

from workbench.analysis.explanation import Explanation, OpenRange, Site
from workbench.report import quantities
from workbench.report.texts import one_line

_MOST_NAMES = 5
# Left out until someone says it: a rule file without it is refused.
_LAYER_TYPE = "    # layer_type: attention  # or mlp, norm, ...: say which"


def explanation_text(explanation: Explanation) -> str:
    """The explanation as text; the YAML of a stub can be pasted into a rule file."""
    names = ", ".join(map(one_line, explanation.kernels[:_MOST_NAMES]))
    lines = [
        f"{quantities.counted(explanation.count, 'kernel')} with {explanation.wanted!r} in the name, "
        f"{quantities.time(explanation.total_ns)}: {names}{', ...' if len(explanation.kernels) > _MOST_NAMES else ''}"
    ]
    for site in explanation.sites:
        lines += ["", *_site_lines(site)]
    if explanation.more_sites:
        lines += ["", f"... and {explanation.more_sites} more sites with less time"]
    untaken = [site for site in explanation.sites if not site.rule]
    stub = _stub_lines(untaken)
    if stub:
        which = "the others" if len(untaken) < len(explanation.sites) + explanation.more_sites else "these kernels"
        lines += ["", f"# No rule takes {which}. A rule file for --rules might hold:", *stub]
    in_phases = sum(site.count for site in untaken if site.ranges and not site.layer_range)
    if in_phases:
        lines += [
            "",
            f"# {quantities.counted(in_phases, 'kernel')} in phase ranges alone: put ranges around what launches them, "
            "or write a rule under `kernels` with `anywhere: true`.",
        ]
    return "\n".join(lines) + "\n"


def _site_lines(site: Site) -> list[str]:
    if site.rule:
        role, layer = site.role and f" {site.role}", site.layer and f", layer {site.layer}"
        lines = [f"{site.layer_type}{role}{layer}", f"  taken by {site.rule}: {site.asks}"]
    else:
        lines = [f"not attributed: {site.reason}"]
    lines.append(f"  {quantities.counted(site.count, 'kernel')}, {quantities.time(site.total_ns)}")
    if not site.ranges:
        return [*lines, "  described outside any range"]
    lines.append(f"  described in{' (one of several alike)' if site.is_example else ''}:")
    ranges = [*(["..."] if site.has_more_ranges else []), *map(_range_text, site.ranges)]
    return lines + ["  " * depth + text for depth, text in enumerate(ranges, 2)]


def _range_text(part: OpenRange) -> str:
    domain = f"  [domain {part.domain}]" if part.domain else ""
    category = f"  [category {part.category}]" if part.category else ""
    return one_line(f"{part.name}{domain}{category}")


def _stub_lines(sites: list[Site]) -> list[str]:
    by_range = dict.fromkeys((site.pattern, site.layer_range.domain) for site in sites if site.layer_range)
    by_name = [site for site in sites if not site.ranges]
    lines = []
    if by_range:
        lines.append("layers:")
        for pattern, domain in by_range:
            lines.append(f"  - range: {_quoted('^' + pattern + '$')}")
            if domain:
                lines.append(f"    domain: {_quoted(re.escape(domain))}")
            lines.append(_LAYER_TYPE)
    if by_name:
        lines.append("kernels:")
        for kernel in dict.fromkeys(site.kernel for site in by_name):
            lines += [f"  - kernel: {_quoted(kernel)}", _LAYER_TYPE, "    anywhere: true"]
    return lines


def _quoted(text: str) -> str:
    """The text as a YAML scalar on one line."""
    return "'" + text.replace("'", "''") + "'" if text.isprintable() else json.dumps(text)
