"""The command line of scripts/shopify-schema."""

import os
import sys
from pathlib import Path

from .fetch import fetch
from .places import ROOT, needed

USAGE = "usage: scripts/shopify-schema fetch | cut [--check]"


def main(words: list[str]) -> int:
    """0 when all is well, 1 with the reasons on stderr when not, 2 for words that are not understood."""
    match words:
        case ["fetch"]:
            return fetch()
        case ["cut"]:
            return cut(write=True)
        case ["cut", "--check"]:
            return cut(write=False)
    print(USAGE, file=sys.stderr)
    return 2


def cut(*, write: bool) -> int:
    """Write what has changed, or only name it."""
    if not all(file.is_file() for file in needed()):
        return _say(["the schemas are not here yet: run scripts/shopify-schema fetch"])
    try:
        from .generate import generate  # needs graphql-core, which `fetch` does not
        from .served import ServedError
    except ImportError as error:
        return _say([f"{error}: run scripts/environment requirements-dev.lock, or set PYTHON"])
    try:
        made = generate()
    except ServedError as error:
        return _say([str(error)])
    changed = [file for file, text in made.files.items() if _text(file) != text]
    for remark, versions in made.remarks.items() if write else ():
        print(f"{', '.join(versions)}: {remark}")
    for file in changed:
        print(f"{'wrote' if write else 'differs:'} {file.relative_to(ROOT)}")
        if write:
            _write(file, made.files[file])
    return _say(made.mistakes) if made.mistakes else int(bool(changed) and not write)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def _say(sentences: list[str]) -> int:
    for sentence in sentences:
        print(f"shopify-schema: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
