from workbench.errors import UserError


def test_no_message_steers_a_terminal() -> None:
    assert str(UserError("a\x1b[2Jb\nc, größer als 1 µs")) == "a\ufffd[2Jb\ufffdc, größer als 1 µs"
