"""Requests that were not signed as they should be, each by name: what a forger, a proxy or a careless sender makes of one."""

import base64
import gzip
import hashlib
import hmac
import json
import string
import zlib
from collections.abc import Iterator
from urllib.parse import quote

from door import PREFIXES, SECRET, Raw, claims, mac, order, signature, signed

Forgery = tuple[str, Raw, bytes]
"""Name, headers, body."""


def with_slash_and_plus() -> bytes:
    """A body whose signature looks different in the two alphabets of base64."""
    return next(body for n in range(1, 10_000) if {"+", "/"} <= set(signature(body := order(n))))


BODY = with_slash_and_plus()


def forgeries(dialect: str) -> list[Forgery]:
    """All of them; none may be taken."""
    return [
        *_bytes_of_the_mac(dialect),
        *_signatures(dialect),
        *_headers(dialect),
        *_secrets(dialect),
        *_bodies(dialect),
    ]


def _given(dialect: str, text: str) -> Raw:
    return [(PREFIXES[dialect] + "hmac-sha256", text), *claims(dialect).items()]


def _bytes_of_the_mac(dialect: str) -> Iterator[Forgery]:
    good = mac(BODY)
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1 << place % 8
        yield f"byte {place} of the mac changed", _given(dialect, base64.b64encode(changed).decode()), BODY


def _signatures(dialect: str) -> Iterator[Forgery]:
    good, raw = signature(BODY), mac(BODY)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    loose = good[:-2] + alphabet[alphabet.index(good[-2]) ^ 1] + "="  # decodes to the same bytes where a decoder is lax
    texts = {
        "empty": "", "a space": " ", "the word null": "null", "one character": "A", "all zeros": base64.b64encode(bytes(32)).decode(),
        "hex": raw.hex(), "upper hex": raw.hex().upper(), "hex in base64": base64.b64encode(raw.hex().encode()).decode(),
        "prefixed with sha256=": f"sha256={good}", "prefixed hex": f"sha256={raw.hex()}", "urlsafe base64": good.replace("+", "-").replace("/", "_"),
        "base32": base64.b32encode(raw).decode(), "base64 twice": base64.b64encode(good.encode()).decode(), "no padding": good.rstrip("="),
        "more padding": good + "=", "trailing newline": good + "\n", "trailing space": good + " ", "leading space": " " + good,
        "inner newline": good[:20] + "\n" + good[20:], "quoted": f'"{good}"', "percent-encoded": quote(good, safe=""), "lower case": good.lower(),
        "upper case": good.upper(), "unused bits set": loose, "half of the mac": base64.b64encode(raw[:16]).decode(),
        "a byte too many": base64.b64encode(raw + b"\0").decode(), "reversed": base64.b64encode(raw[::-1]).decode(), "not ASCII": good[:-1] + "\xe9",
        "two in one header": f"{good}, {good}", "SHA-1": base64.b64encode(hmac.digest(SECRET, BODY, "sha1")).decode(),
        "SHA-512": base64.b64encode(hmac.digest(SECRET, BODY, "sha512")).decode(), "SHA-384": base64.b64encode(hmac.digest(SECRET, BODY, "sha384")).decode(),
        "plain hash": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        "hash of secret and body": base64.b64encode(hashlib.sha256(SECRET + BODY).digest()).decode(),
        "of the hash of the body": signature(hashlib.sha256(BODY).digest()), "of nothing": signature(b""), "of another body": signature(b"{}"),
        "of time and body": signature(b"1767225600." + BODY), "very long": good * 1_000,
    }  # fmt: skip
    for name, text in texts.items():
        yield f"signature: {name}", _given(dialect, text), BODY


def _headers(dialect: str) -> Iterator[Forgery]:
    name, good, bad = PREFIXES[dialect] + "hmac-sha256", signature(BODY), signature(b"{}")
    plain = list(claims(dialect).items())
    yield "header: missing", plain, BODY
    yield "header: none at all", [], BODY
    yield "header: another name", [(PREFIXES[dialect] + "hmac-sha1", good), *plain], BODY
    yield "header: authorization", [("authorization", f"HMAC {good}"), *plain], BODY
    yield "header: a cookie", [("cookie", f"{name}={good}"), *plain], BODY
    yield "header: twice the good one", [(name, good), (name, good), *plain], BODY
    yield "header: good, then bad", [(name, good), (name, bad), *plain], BODY
    yield "header: bad, then good", [(name, bad), (name, good), *plain], BODY
    yield "header: good, then empty", [(name, good), (name, ""), *plain], BODY


def _secrets(dialect: str) -> Iterator[Forgery]:
    others = {
        "another": b"other", "none": b"", "with a newline": SECRET + b"\n", "in upper case": SECRET.upper(), "hex of it": SECRET.hex().encode(),
        "base64 of it": base64.b64encode(SECRET), "its first half": SECRET[:2], "twice": SECRET * 2, "its hash": hashlib.sha256(SECRET).digest(),
    }  # fmt: skip
    for name, secret in others.items():
        yield f"secret: {name}", signed(BODY, dialect, secret=secret), BODY


def _bodies(dialect: str) -> Iterator[Forgery]:
    parsed, text = json.loads(BODY), BODY.decode()
    flipped = BODY[:-9] + bytes([BODY[-9] ^ 1]) + BODY[-8:]
    others = {
        "serialised again": json.dumps(parsed).encode(), "compact": json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode(),
        "indented": json.dumps(parsed, ensure_ascii=False, indent=2).encode(), "keys sorted": json.dumps(parsed, ensure_ascii=False, sort_keys=True).encode(),
        "trailing newline": BODY + b"\n", "trailing NUL": BODY + b"\0", "leading space": b" " + BODY, "byte order mark": b"\xef\xbb\xbf" + BODY,
        "UTF-16": text.encode("utf-16"), "UTF-32": text.encode("utf-32"), "decomposed": text.replace("\u00e9", "e\u0301").encode(),
        "UTF-7": text.encode("utf-7"), "encoded twice": text.encode().decode("latin-1").encode(), "gzip": gzip.compress(BODY, mtime=0), "deflate": zlib.compress(BODY),
        "base64": base64.b64encode(BODY), "a form": b"payload=" + quote(text).encode(), "cut by one": BODY[:-1], "empty": b"", "one bit": flipped,
        "twice": BODY * 2, "another order": order(999_999), "a member added": BODY[:-1] + b', "test": true}',
    }  # fmt: skip
    for name, body in others.items():
        yield f"body: {name}", signed(BODY, dialect), body
    packed = gzip.compress(BODY, mtime=0)
    yield "body: gzip, said so, signed unpacked", [*signed(BODY, dialect), ("content-encoding", "gzip")], packed
    yield (
        "body: gzip bomb, said so",
        [*signed(BODY, dialect), ("content-encoding", "gzip")],
        gzip.compress(bytes(1_000_000), mtime=0),
    )
