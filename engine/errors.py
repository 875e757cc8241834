"""Errors that a user can mend."""


class EngineError(Exception):
    """What is wrong and what to do, in one sentence without a final full stop."""

    exit_code = 2
