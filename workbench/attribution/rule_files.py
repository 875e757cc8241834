"""Finds rule files: the ones that ship with the workbench and the user's own."""

from functools import reduce
from importlib.resources import files
from operator import add
from pathlib import Path

from workbench.attribution.rule_parser import parse_rules
from workbench.attribution.rules import LayerRules
from workbench.errors import UserError

MOST_BYTES = 1 << 20


def load_rules(user_files: tuple[Path, ...] = ()) -> LayerRules:
    """The user's rules, which win, then those of the package, file by file in the order of their names.

    Raises:
        UserError: a file of the user's cannot be read, or is not of the format.
    """
    own = [_read(path) for path in user_files]
    folder = files("workbench") / "rules"
    shipped = [
        parse_rules(file.read_text(encoding="utf-8"), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    ]
    return reduce(add, [*own, *shipped], LayerRules())


def _read(path: Path) -> LayerRules:
    try:
        if not path.is_dir() and path.exists() and not path.is_file():
            raise UserError(f"the rule file {path} is no regular file; name another one")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise UserError(f"the rule file {path} is larger than 1 MiB; divide it, or name another one")
        return parse_rules(raw.decode(), path.name)
    except OSError as error:
        raise UserError(f"the rule file {path} cannot be read ({error.strerror or error}); name another one") from error
    except UnicodeDecodeError as error:
        raise UserError(f"the rule file {path} is no text in UTF-8; write it anew, or name another one") from error
