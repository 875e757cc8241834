"""Cuts file paths in a text down to their last component."""

import re

_COMPONENT = r"""[^\s/\\:;,"'`<>|()\[\]{}\0]+"""
# Two components at least. What follows a word or a bracket is a relative path or a division; `-I/usr/include` is not.
_PATH = re.compile(
    rf"(?:\bfile://|(?<![\w./~*)\]>])(?!(?<=:)//)|(?<=-[BFIL]))(?:~[\w.-]*(?:/+{_COMPONENT})+|(?:/+{_COMPONENT}){{2,}})/*"
    rf"|(?<!\w)[A-Za-z]:(?:[\\/]+{_COMPONENT})+[\\/]*"
)
_SEPARATORS = re.compile(r"[/\\]+")
_LATER_PATH = re.compile(r"\s[/~]")
_EXTENSION = re.compile(r"[^.]\.[a-z][a-z0-9_]{0,9}$")
_USUAL_ROOTS = frozenset(
    {
        "app", "apps", "bin", "boot", "cache", "cluster", "data", "dev", "etc", "export", "fsx", "gpfs", "home", "lib",
        "lib32", "lib64", "local", "lustre", "media", "mnt", "nfs", "nix", "opt", "private", "proc", "project",
        "projects", "root", "run", "sbin", "scratch", "shared", "snap", "srv", "storage", "sys", "tmp", "usr", "users",
        "var", "volumes", "work", "workspace", "workspaces",
    }
)  # fmt: skip


def shorten_paths(text: str, *, may_be_name: bool = False) -> str:
    """The text with each absolute path, such as `/a/b` or `~/a`, replaced by its last component.

    Args:
        text: anything; kernel names and relative paths pass unharmed.
        may_be_name: programs name ranges like paths (`/model/layers.0/MatMul`): what lies below no usual root
            folder and has no file's extension stays.
    """
    if "/" not in text and "\\" not in text:
        return text

    def shorten(path: str) -> str:
        return path if may_be_name and _is_name(path) else _last_component(path)

    if text.startswith(("/", "~/")) and " " in text and not _LATER_PATH.search(text):
        # One path with spaces in it.
        return shorten(text)
    return _PATH.sub(lambda match: shorten(match[0]), text)


def _last_component(path: str) -> str:
    return next((part for part in reversed(_SEPARATORS.split(path)) if part), path)


def _is_name(path: str) -> bool:
    if not path.startswith("/"):
        return False
    parts = [part for part in _SEPARATORS.split(path) if part]
    return parts[0].lower() not in _USUAL_ROOTS and not _EXTENSION.search(parts[-1])
