"""A command line's parser, of one voice with everything else that a user can mend."""

import argparse
from typing import NoReturn

from engine.errors import EngineError
from engine.fields import shown
from engine.terminal import print_text

_MOST_SHOWN = 300


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """What the user typed makes no sense."""
        raise EngineError(f"{shown(' '.join(message.split()).rstrip('.'), _MOST_SHOWN)}; see `{self.prog} --help`")

    def _print_message(self, message: str, _file: object = None) -> None:
        """Prints help like any other result."""
        print_text(message)
