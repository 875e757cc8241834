"""Tells from an SQLite file's header whether the file is whole (https://sqlite.org/fileformat.html)."""

from pathlib import Path

from workbench.errors import UserError

_HOW_TO_EXPORT = "make one with `nsys export --type sqlite -o OUT.sqlite REPORT.nsys-rep`"


def check_complete(path: Path, file_name: str) -> None:
    """Compares the file's length with what its header promises.

    Args:
        path: the file, uncompressed.
        file_name: what the user calls it.

    Raises:
        UserError: it is no SQLite file, or is cut off.
    """
    with path.open("rb") as file:
        header = file.read(100)
        size_bytes = file.seek(0, 2)
    if not header.startswith(b"SQLite format 3\0"):
        raise UserError(f"{file_name} is not an SQLite file; {_HOW_TO_EXPORT}")
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    if len(header) < 100 or size_bytes < page_bytes * int.from_bytes(header[28:32], "big"):
        raise UserError(f"{file_name} is cut off: it is shorter than its header says; export or copy it again")
