"""Masks what looks like a secret in a command line or a text."""

import re
from collections.abc import Sequence
from itertools import pairwise

from workbench.capture.paths import shorten_paths

MASK = "***"

# Names whose values are secret, as flags (`--api-key`) and as variables (`API_KEY`).
_SECRET_NAME = (
    r"(?:(?:api|access|account|auth|encryption|hf|license|private|secret|signing|ssh)[-_.]?key(?:[-_.]?id)?"
    r"|pass(?:word|wd|phrase|code)?|pwd?|secrets?|credentials?|auth|authorization|bearer|cookie|dsn"
    r"|conn(?:ection)?[-_.]?str(?:ing)?|(?:access|api|auth|bot|gh|github|gitlab|hf|hub|refresh|session|wandb)token"
    r"|(?<!eos[-_])(?<!bos[-_])(?<!pad[-_])(?<!unk[-_])(?<!mask[-_])(?<!stop[-_])token)"
)
_IS_SECRET_NAME = re.compile(rf"(?:^|.*[-_.]){_SECRET_NAME}$|.*_KEY$|^KEY$", re.IGNORECASE)
# The shell's current folders.
_NO_SECRETS = frozenset({"PWD", "OLD_PWD"})
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)$")
_ASSIGNMENT = re.compile(
    # Any name that ends so: what comes before is not looked at, which keeps this linear.
    rf"""((?<![A-Za-z0-9]){_SECRET_NAME}["']?\s*+[:=]\s*+["']?(?:(?:Bearer|Basic)\s++)?)"""
    r"""([^\s"'&;,]+)""",
    re.IGNORECASE,
)
_USER_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/]+@", re.IGNORECASE)
_KNOWN_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{16,}|sk-[\w-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|xox[abeprs]-[\w-]{10,}|nvapi-[\w-]{16,}|AIza[\w-]{30,}|A(?:KIA|SIA)[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,1000}\.[\w-]{8,}(?:\.[\w-]*)?"
    r")"
)
_LONG_TOKEN = re.compile(r"(?<![\w/+])[A-Za-z0-9_+/-]{24,}={0,2}(?![\w/+])")
_MANGLED_NAME = "_Z"
# Keys of some services look like commits; the name before it tells a commit.
_HEX_KEY = re.compile(r"""(?:^|(?<=[=:,"']))[0-9A-Fa-f]{40}(?=$|["',;&])""")
_COMMIT_NAME = re.compile(r"(?:^|[-_.])(?:commit|rev|revision|sha|sha1|hash|digest|checksum|ref)\b", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a variable or flag of this name holds a secret, such as `HF_TOKEN`, but not `max-tokens`."""
    return name not in _NO_SECRETS and _IS_SECRET_NAME.match(name) is not None


def looks_secret(value: str) -> bool:
    """Whether a value is of a known kind of secret, or of random characters."""
    return mask_text(value) != value


def mask_text(text: str) -> str:
    """The text with known kinds of secrets, assignments to secret names, and random tokens masked."""
    text = mask_known_tokens(text)
    text = _ASSIGNMENT.sub(rf"\1{MASK}", text)
    return _LONG_TOKEN.sub(lambda match: MASK if _is_random(match[0]) else match[0], text)


def mask_known_tokens(text: str) -> str:
    """The text with tokens of known services and users in URLs masked; safe on kernel names."""
    return _KNOWN_TOKEN.sub(MASK, _USER_IN_URL.sub(rf"\1{MASK}@", text))


def mask_command(command: Sequence[str]) -> tuple[str, ...]:
    """The command line with secrets masked and absolute paths cut down to their last component.

    The value of a flag whose name is secret is masked, be it its next word or what follows `=`.
    """
    masked = []
    is_value = is_commit = False
    for word in command:
        # The words of a shell's `-c` are words of a command too.
        if " " in word.strip() and not is_value:
            parts = re.split(r"(\s+)", word)
            parts[::2] = mask_command(parts[::2])
            masked.append(mask_text("".join(parts)))
            continue
        flag = _FLAG.match(word)
        masked.append(MASK if is_value and not flag else _mask_word(word, may_be_key=not is_commit))
        is_value = flag is not None and is_secret_name(flag[1])
        is_commit = flag is not None and _COMMIT_NAME.search(flag[1]) is not None
    return tuple(masked)


def _mask_word(word: str, *, may_be_key: bool) -> str:
    cleaned = shorten_paths(mask_text(word))
    return _HEX_KEY.sub(MASK, cleaned) if may_be_key and not _COMMIT_NAME.search(cleaned) else cleaned


def _is_random(token: str) -> bool:
    """Whether a token mixes upper case, lower case and digits as no name does. Hexadecimal does not."""
    if token.startswith(_MANGLED_NAME):
        return False
    letters = re.sub(r"[^A-Za-z0-9]", "", token)
    fewest = min(len(re.findall(kind, letters)) for kind in ("[0-9]", "[A-Z]", "[a-z]"))
    changes = sum(_kind(a) != _kind(b) for a, b in pairwise(letters))
    in_words = sum(map(len, re.findall("[a-z]{3,}", letters)))
    size = len(letters)
    return fewest >= 2 and changes >= 0.35 * size and in_words < 0.35 * size


def _kind(letter: str) -> int:
    return 0 if letter.isdigit() else 1 if letter.isupper() else 2
