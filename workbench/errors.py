"""The one error a user can cause."""


class UserError(Exception):
    """Something the user can mend.

    The message is one sentence that says what is wrong and what to do about it; the command line prints it
    without a traceback and exits with `exit_code`.
    """

    exit_code = 2

    def __str__(self) -> str:
        """The message; what would steer a terminal, as a damaged file's bytes may, is a replacement character."""
        return "".join(character if character.isprintable() else "\ufffd" for character in super().__str__())
