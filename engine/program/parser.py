"""A command line's parser, of one voice with everything else that a user can mend."""

import argparse
from typing import NoReturn

from engine.errors import EngineError


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """What the user typed makes no sense."""
        raise EngineError(f"{' '.join(message.split()).rstrip('.')}; see `{self.prog} --help`")
