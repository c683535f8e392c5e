"""One mistake in the folder, with its place and its remedy; and the error that carries all of them."""

import difflib
import re
from collections.abc import Iterable

from msgspec import Struct

from interlock.errors import InterlockError

_SECRET_SHAPES = re.compile(
    r"shp(?:at|ss|ca|pa)_[0-9A-Za-z]+|[sr]k_(?:live|test)_\w+|\bpk_[0-9a-f]{20,}|xox[abprs]-[\w-]+|\bAKIA[0-9A-Z]{12,}|\bgh[pousr]_\w{20,}"
    r"|\beyJ[\w-]{8,}\.[\w.-]+|-----BEGIN [A-Z ]*PRIVATE KEY-----.*|(?i:\bbearer )\S+|(?<=://)[^/\s@]+(?=@)",
    re.DOTALL,
)


class Finding(Struct, frozen=True):
    """What is wrong, where (line and column count from 1; 0 means the whole file), why, and the next move."""

    code: str
    what: str
    file: str
    line: int = 0
    column: int = 0
    why: str = ""
    next_move: str = ""
    severity: str = "error"

    @property
    def where(self) -> str:
        place = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(place)

    def __str__(self) -> str:
        labelled = (("where", self.where), ("why", self.why), ("next", self.next_move))
        return "\n".join(
            [f"{self.code} {self.what}", *(f"  {label + ':':<6} {text}" for label, text in labelled if text)]
        )


class StrategyErrors(InterlockError):  # noqa: N818 - it carries many
    """The folder cannot run. `findings` holds every mistake and warning, in the order of files and lines."""

    default_code = "STR000"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        mistakes = [one for one in self.findings if one.severity == "error"]
        count, warnings = len(mistakes), len(self.findings) - len(mistakes)
        beside = f", and {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ""
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} in the strategy folder{beside}",
            code=mistakes[0].code if count == 1 else "",
            next_move="correct them and run: interlock check",
        )

    def __str__(self) -> str:
        """Mistakes as they are, each warning called one."""
        said = [f"{'warning: ' if one.severity == 'warning' else ''}{one}" for one in self.findings]
        return "\n\n".join([*said, self.what])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion in words: the nearest known name, else the known names, else nothing."""
    names = sorted(known)
    nearest = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if nearest:
        return f'did you mean "{nearest[0]}"?'
    if not names:
        return ""
    return f"known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def holds_secret(text: str) -> bool:
    """Whether `text` has the shape of a secret: a vendor's token, a private key, a password in an address."""
    return bool(_SECRET_SHAPES.search(text))


def mask_secrets(text: str) -> str:
    """The text with everything of such a shape taken out: a finding is printed, logged and shown."""
    return _SECRET_SHAPES.sub("[secret]", text)
