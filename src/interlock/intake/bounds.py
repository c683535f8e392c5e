"""Bounds on a body: its size is known before it is read, its depth before it is parsed."""

import re

_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'{}[]"\\')
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def deeper_than(body: bytes, depth: int) -> bool:
    """True when brackets nest deeper than `depth`. About 10 us for 10 KB: the work is done by bytes methods, not a loop."""
    if body.count(b"{") + body.count(b"[") <= depth:
        return False
    bare = body.translate(None, _STRUCTURE).replace(b'""', b"")
    if b'"' in bare or b"\\" in bare:
        bare = _STRINGS.sub(b"", body).translate(None, _STRUCTURE + b'"\\')
    for _ in range(depth):
        shorter = bare.replace(b"{}", b"").replace(b"[]", b"")
        if not shorter:
            return False
        if len(shorter) == len(bare):
            break  # unbalanced: the parser will say so, unless it is too deep as well
        bare = shorter
    return _deepest(bare) > depth


def _deepest(brackets: bytes) -> int:
    deepest = level = 0
    for byte in brackets:
        level += 1 if byte in b"{[" else -1
        deepest = max(deepest, level)
    return deepest
