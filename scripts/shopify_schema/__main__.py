"""The command line of scripts/shopify-schema."""

import sys

from .fetch import fetch
from .generated import text_of
from .generated import write as write_file
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
        from .generate import generate  # this needs graphql-core, which `fetch` does not
    except ImportError as error:
        return _say([f"{error}: run scripts/environment requirements-dev.lock, or set PYTHON"])
    made = generate()
    changed = [file for file, text in made.files.items() if text_of(file) != text]
    for remark, versions in made.remarks.items() if write else ():
        print(f"{', '.join(versions)}: {remark}")
    for file in changed:
        print(f"{'wrote' if write else 'differs:'} {file.relative_to(ROOT)}")
        if write:
            write_file(file, made.files[file])
    return _say(made.mistakes) if made.mistakes else int(bool(changed) and not write)


def _say(sentences: list[str]) -> int:
    for sentence in sentences:
        print(f"shopify-schema: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
