"""Comparisons of captures, as several commands make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.attribution.rules import LayerRules
    from workbench.cli.capture_sets import Member
    from workbench.compare.comparison import CaptureSet, Comparison
    from workbench.compare.fingerprint import Fingerprint
    from workbench.compare.measurement import CaptureMeasurement
    from workbench.manifest import Manifest, Speed
    from workbench.trace.model import Trace


@dataclass(frozen=True, eq=False)
class OpenedSet:
    """A set as measured, and the manifests of its captures, as far as they have any."""

    measured: "CaptureSet"
    manifests: "tuple[Manifest | None, ...]"


def compare_sets(
    before: Path, after: Path, vary: Sequence[str], phase: str, rules: Sequence[Path] = ()
) -> "Comparison":
    """Reads and compares two sets of captures.

    Args:
        before: BEFORE as the user named it.
        after: AFTER, likewise.
        vary: what is under test, as given; nothing means the default.
        phase: whose step is reconciled.
        rules: rule files of the user's.

    Raises:
        UserError: a set cannot be read or is mixed, or the two cannot be compared.
    """
    from workbench.attribution.rule_files import load_rules
    from workbench.compare.comparability import DEFAULT_FACTORS, differences, factors, refuse_incomparable
    from workbench.compare.comparison import compare
    from workbench.compare.results import compare_results

    declared = factors(vary) if vary else DEFAULT_FACTORS
    layer_rules = load_rules(tuple(rules))
    one, other = (open_set(path, layer_rules) for path in (before, after))
    found = differences(one.measured.fingerprint, other.measured.fingerprint, declared)
    refuse_incomparable(found, declared)
    results = compare_results(one.manifests, other.manifests)
    return compare(one.measured, other.measured, declared, found, results, phase)


def open_set(path: Path, rules: "LayerRules") -> OpenedSet:
    """Reads and measures the captures of a set, one after the other.

    Raises:
        UserError: one cannot be read, or they are not all of the same thing.
    """
    from workbench.cli.capture_sets import find_captures, open_members
    from workbench.compare.comparability import refuse_mixed
    from workbench.compare.comparison import CaptureSet
    from workbench.compare.fingerprint import merged
    from workbench.report.origin import as_named

    members = find_captures(path)
    if members[0].is_csv:
        return OpenedSet(_tables(path, members), ())
    # Unlike a loop, `map` holds no capture while the next is read.
    measured = tuple(map(partial(_measure, rules), open_members(members)))
    captures, fingerprints = zip(*measured, strict=True)
    refuse_mixed([(member.name, found) for member, found in zip(members, fingerprints, strict=True)])
    manifests = tuple(member.manifest for member in members)
    return OpenedSet(CaptureSet(as_named(path), captures, merged(fingerprints), unprofiled_speed(manifests)), manifests)


def _measure(
    rules: "LayerRules", opened: "tuple[str, Trace, Manifest | None]"
) -> "tuple[CaptureMeasurement, Fingerprint]":
    from workbench.analysis.analysis import Analysis
    from workbench.attribution.attribution import attribute
    from workbench.compare.fingerprint import fingerprint
    from workbench.compare.measure_capture import measure_capture

    name, trace, manifest = opened
    analysis = Analysis(attribute(trace, rules))
    return measure_capture(analysis, name), fingerprint(manifest, analysis)


def _tables(path: Path, members: "Sequence[Member]") -> "CaptureSet":
    from workbench.compare.comparison import CaptureSet
    from workbench.compare.fingerprint import Fingerprint
    from workbench.compare.measure_tables import measure_tables
    from workbench.report.origin import as_named
    from workbench.trace.stats_csv import read_stats_folder

    measured = tuple(measure_tables(read_stats_folder(member.path)) for member in members)
    return CaptureSet(as_named(path), measured, Fingerprint())


def unprofiled_speed(manifests: "Sequence[Manifest | None]") -> "Speed | None":
    """The speed without the profiler, over all manifests that tell one of as many steps as the first."""
    from workbench.manifest import Speed

    told = [manifest.unprofiled for manifest in _distinct(manifests) if manifest.unprofiled]
    alike = [speed for speed in told if speed.decode_steps == told[0].decode_steps]
    if not alike:
        return None
    return Speed(
        prefill_ns=tuple(time_ns for speed in alike for time_ns in speed.prefill_ns),
        decode_ns=tuple(time_ns for speed in alike for time_ns in speed.decode_ns),
        decode_steps=alike[0].decode_steps,
    )


def _distinct(manifests: "Sequence[Manifest | None]") -> "list[Manifest]":
    """Each manifest once: the captures of one folder share it."""
    return list({id(manifest): manifest for manifest in manifests if manifest is not None}.values())
