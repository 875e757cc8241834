"""A command line's parser, of one voice with everything else that a user can mend."""

import argparse
from typing import NoReturn

from engine.errors import EngineError
from engine.terminal import print_text


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """What the user typed makes no sense."""
        raise EngineError(f"{' '.join(message.split()).rstrip('.')}; see `{self.prog} --help`")

    def _print_message(self, message: str, _file: object = None) -> None:
        """Prints help like any other result."""
        print_text(message)
