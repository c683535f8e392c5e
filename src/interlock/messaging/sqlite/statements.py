"""SQL lives in .sql files: each statement is named by a comment line, `-- name: claim`, and loaded once."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)[^\n]*$", re.MULTILINE)


@cache
def statements(file_name: str) -> dict[str, str]:
    """The statements of one file beside this module, by name."""
    text = files(__package__).joinpath(file_name).read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
