"""Parses rule files. `workbench/rules/README.md` describes the format."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from workbench.attribution.matching import MOST_DIGITS, number_of
from workbench.attribution.rules import (
    PHASES,
    KernelRule,
    LayerRule,
    LayerRules,
    PhaseRule,
    RangePattern,
    SequencePiece,
    SequenceRule,
    Value,
)
from workbench.errors import UserError
from workbench.trace.model import NONE

_MOST_SHOWN = 80
_SECTIONS = ("description", "layers", "kernels", "sequences", "phases", "block_input_roles", "library_domains")


def parse_rules(text: str, file_name: str) -> LayerRules:
    """Reads one rule file.

    Raises:
        UserError: the text is no YAML, or a rule is not of the format; the message names the rule.
    """
    try:
        document = yaml.load(text, _Loader)
    except RecursionError as error:
        raise UserError(f"{file_name} is no valid rule file: it is nested too deeply") from error
    # Of a value that its tag does not fit, such as the 31st of June, PyYAML lets plain errors through.
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise UserError(f"{file_name} is no valid YAML: {' '.join(str(error).split())}") from error
    reader = _Reader(file_name)
    sections = reader.mapping({} if document is None else document, "the file", _SECTIONS)
    roles = sections.get("block_input_roles")
    roles = reader.mapping({} if roles is None else roles, "block_input_roles")
    kernels = tuple(reader.kernel_rule(*entry) for entry in reader.entries(sections, "kernels"))
    symbols = tuple((rule.kernel, rule.symbol) for rule in kernels if rule.symbol)
    return LayerRules(
        layers=tuple(reader.layer_rule(*entry) for entry in reader.entries(sections, "layers")),
        kernels=kernels,
        sequences=tuple(reader.sequence_rule(*entry, symbols) for entry in reader.entries(sections, "sequences")),
        phases=tuple(reader.phase_rule(*entry) for entry in reader.entries(sections, "phases")),
        block_input_roles={
            reader.scalar(layer_type, "block_input_roles"): reader.pattern(pattern, f"block_input_roles.{layer_type}")
            for layer_type, pattern in roles.items()
        },
        library_domains=tuple(
            reader.pattern(domain, "library_domains") for domain in reader.items(sections, "library_domains")
        ),
    )


class _Loader(yaml.SafeLoader):
    """Plain YAML without aliases, by which a small file can stand for a huge one, and without keys given twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if twice is not None:
            raise yaml.YAMLError(f"the key {_shown(twice)} is given twice in line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."


class _Reader:
    """Turns plain YAML values into rules; its errors name the file and the rule."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name

    def error(self, where: str, problem: str) -> UserError:
        """What to raise about a problem at a place in the file."""
        return UserError(f"{self.file_name}: {where}: {problem}")

    def items(self, sections: Mapping[str, Any], section: str) -> list[Any]:
        """The section as a list, empty where the file lacks it."""
        items = sections.get(section)
        if items is None or items == {}:
            return []
        if not isinstance(items, list):
            raise self.error(section, "must be a list")
        return items

    def entries(self, sections: Mapping[str, Any], section: str) -> list[tuple[str, Any]]:
        """The section's items, each with its place, such as `layers:2`."""
        return [(f"{section}:{i}", entry) for i, entry in enumerate(self.items(sections, section), 1)]

    def mapping(self, value: Any, where: str, keys: Sequence[str] = ()) -> Mapping[str, Any]:
        """The value, which must be a mapping; of these keys alone, if any are given."""
        if not isinstance(value, dict):
            raise self.error(where, "must be a mapping")
        unknown = [str(key) for key in value if keys and key not in keys]
        if unknown:
            raise self.error(where, f"unknown key {_shown(unknown[0])}; known are {', '.join(keys)}")
        return value

    def pattern(self, value: Any, where: str) -> re.Pattern[str]:
        """The value as a regular expression."""
        text = self.scalar(value, where)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return re.compile(text)
        except RecursionError as error:
            raise self.error(where, f"{_shown(value)} is no regular expression (it is nested too deeply)") from error
        except (re.error, OverflowError, Warning) as error:
            raise self.error(where, f"{_shown(value)} is no regular expression ({error})") from error

    def scalar(self, value: Any, where: str) -> str:
        """The value as a text; it must be one, or a number."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(where, f"{_shown(value)} is no text; put it in quotes if it is meant as one")
        return str(value)

    def flag(self, entry: Mapping[str, Any], key: str, where: str) -> bool:
        """The truth under a key, false where there is no such key."""
        value = entry.get(key, False)
        if not isinstance(value, bool):
            raise self.error(where, f"{key} must be true or false, not {_shown(value)}")
        return value

    def optional_pattern(self, entry: Mapping[str, Any], key: str, where: str) -> re.Pattern[str] | None:
        """The regular expression under a key, or None where there is no such key."""
        return self.pattern(entry[key], f"{where}.{key}") if key in entry else None

    def text(self, entry: Mapping[str, Any], key: str, where: str) -> str:
        """The text under a key, which must be there and not be empty."""
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self.error(where, f"{key} is missing")
        return value

    def layer_rule(self, where: str, value: Any) -> LayerRule:
        """A rule of the section `layers`."""
        entry = self.mapping(value, where, ("range", "domain", "category", "kernel", "layer_type", "role", "layer"))
        names = entry.get("range", ".*")
        patterns = [self.pattern(name, f"{where}.range") for name in (names if isinstance(names, list) else [names])]
        if not patterns:
            raise self.error(where, "range is empty")
        innermost = RangePattern(
            patterns[-1],
            self.optional_pattern(entry, "domain", where),
            self.optional_pattern(entry, "category", where),
        )
        groups = {group for pattern in patterns for group in pattern.groupindex}
        layer_type = self.value(entry, "layer_type", groups, where)
        if layer_type is None:
            raise self.error(where, "layer_type is missing")
        return LayerRule(
            source=f"{self.file_name}:{where}",
            ranges=(*(RangePattern(pattern) for pattern in patterns[:-1]), innermost),
            kernel=self.optional_pattern(entry, "kernel", where),
            layer_type=layer_type,
            role=self.value(entry, "role", groups, where),
            layer=self.value(entry, "layer", groups, where),
        )

    def value(self, entry: Mapping[str, Any], key: str, groups: set[str], where: str) -> Value | None:
        """A constant, `{field}`, or, where the rule is silent, the group of the same name."""
        if key not in entry:
            return Value(field=key) if key in groups else None
        text = self.scalar(entry[key], f"{where}.{key}")
        reference = re.fullmatch(r"\{(\w+)\}", text)
        if reference is None:
            if key == "layer" and number_of(text) == NONE:
                problem = f"layer must be a number of at most {MOST_DIGITS} digits, or a group in braces"
                raise self.error(where, f"{problem}, not {_shown(text)}")
            if key == "layer_type" and not text:
                raise self.error(where, "layer_type is empty")
            return Value(constant=text)
        if reference[1] not in groups | {"name", "category", "payload"}:
            raise self.error(where, f"{key} refers to {text}, but no pattern has a group of that name")
        return Value(field=reference[1])

    def kernel_rule(self, where: str, value: Any) -> KernelRule:
        """A rule of the section `kernels`."""
        entry = self.mapping(value, where, ("kernel", "layer_type", "role", "symbol", "anywhere"))
        self.text(entry, "kernel", where)
        symbol = self.scalar(entry.get("symbol", ""), f"{where}.symbol")
        if len(symbol) > 1 or symbol in set("|()[]{}?*+.^$\\ "):
            raise self.error(where, f"symbol {symbol!r} must be one character without a meaning in expressions")
        return KernelRule(
            source=f"{self.file_name}:{where}",
            kernel=self.pattern(entry["kernel"], f"{where}.kernel"),
            layer_type=self.text(entry, "layer_type", where),
            role=self.scalar(entry.get("role", ""), f"{where}.role"),
            symbol=symbol,
            anywhere=self.flag(entry, "anywhere", where),
        )

    def sequence_rule(self, where: str, value: Any, symbols: tuple[tuple[re.Pattern[str], str], ...]) -> SequenceRule:
        """A rule of the section `sequences`; `symbols` are those of the file's kernel rules."""
        entry = self.mapping(value, where, ("pieces", "is_layer"))
        pieces = tuple(self.sequence_piece(f"{where}.{name}", piece) for name, piece in self.entries(entry, "pieces"))
        if not pieces:
            raise self.error(where, "pieces are missing")
        return SequenceRule(
            source=f"{self.file_name}:{where}",
            pattern=self.pattern("".join(f"({piece.match})" for piece in pieces), f"{where}.pieces"),
            pieces=pieces,
            is_layer=self.flag(entry, "is_layer", where),
            symbols=symbols,
        )

    def sequence_piece(self, where: str, value: Any) -> SequencePiece:
        """One of a sequence's pieces."""
        entry = self.mapping(value, where, ("match", "layer_type", "role"))
        match = self.text(entry, "match", where).replace(" ", "")
        if self.pattern(match, where).groups:
            raise self.error(where, f"{match!r} must not hold capturing groups; write (?:...)")
        role = entry.get("role", "")
        by_symbol = role if isinstance(role, dict) else {"": role}
        at = f"{where}.role"
        roles = {self.scalar(symbol, at): self.scalar(text, at) for symbol, text in by_symbol.items()}
        return SequencePiece(match, self.scalar(entry.get("layer_type", ""), f"{where}.layer_type"), roles)

    def phase_rule(self, where: str, value: Any) -> PhaseRule:
        """A rule of the section `phases`."""
        entry = self.mapping(value, where, ("range", "domain", "category", "phase"))
        phase = self.text(entry, "phase", where)
        if phase not in PHASES:
            raise self.error(where, f"{phase!r} is no phase; phases are {', '.join(PHASES)}")
        self.text(entry, "range", where)
        return PhaseRule(
            source=f"{self.file_name}:{where}",
            range=RangePattern(
                self.pattern(entry["range"], f"{where}.range"),
                self.optional_pattern(entry, "domain", where),
                self.optional_pattern(entry, "category", where),
            ),
            phase=phase,
        )
