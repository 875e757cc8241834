"""Masks the values of environment variables in what a manifest says of the program."""

from collections.abc import Sequence
from dataclasses import replace

from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.hidden_values import HiddenValue, hidden_values
from workbench.capture.paths import shorten_paths
from workbench.capture.secrets import mask_command
from workbench.capture.workload import clean_workload, texts_of
from workbench.manifest import Manifest, Program


def masked_command(command: Sequence[str], values: EnvironmentValues) -> tuple[str, ...]:
    """The command line with folders left out, and secrets and values of the environment masked."""
    return tuple(map(values.mask_in_speech, mask_command([_readable(word) for word in command])))


def _readable(word: str) -> str:
    """The word with what is no UTF-8 in it, which a manifest cannot hold, as question marks."""
    return word.encode(errors="replace").decode()


def masked_manifest(manifest: Manifest, values: EnvironmentValues) -> Manifest:
    """The manifest with the same masked in it as in the names of ranges: in the command, the workload, the warnings."""
    nsys = manifest.nsys
    return replace(
        manifest,
        program=Program(masked_command(manifest.program.command, values)),
        workload=clean_workload(manifest.workload, values) if manifest.workload is not None else None,
        # They name the range that the user wanted recorded.
        nsys=nsys and replace(nsys, flags=tuple(map(values.mask_in_speech, nsys.flags))),
        warnings=tuple(values.mask_in_speech(shorten_paths(warning)) for warning in manifest.warnings),
    )


def hidden_in_manifest(manifest: Manifest, values: EnvironmentValues) -> tuple[HiddenValue, ...]:
    """The values of the environment that `masked_manifest` masks in the command and the workload."""
    flags = manifest.nsys.flags if manifest.nsys else ()
    said = (*mask_command(manifest.program.command), *flags, *texts_of(manifest.workload))
    return hidden_values(said, values)
