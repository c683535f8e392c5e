"""Contracts in one line, for the corpus of compatibility: `id: id, note: string?@personal, lines: [{sku: string~}]`."""

import json
import re

from interlock.canonical import Contract, parse_contract

TOKEN = re.compile(r'\s*(<-|"[^"]*"|[A-Za-z_][\w-]*|\S)')


def small_contract(text: str, *, name: str = "thing", version: int = 1) -> Contract:
    """A contract from the short notation (tests/fixtures/compatibility/INDEX.md)."""
    return parse_contract(_Notation(text).toml(name, version), f"{name}.v{version}.toml")


class _Notation:
    """Reads the notation once, from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = TOKEN.findall(text)
        self._shapes: list[tuple[str, list[str]]] = []

    def toml(self, name: str, version: int) -> str:
        top = self._fields(until="")
        parts = [f'name = "{name}"\nversion = {version}\nmeaning = "A thing"\n[fields]', *top]
        for shape, rows in self._shapes:
            parts += [f"[objects.{shape}.fields]", *rows]
        return "\n".join(parts) + "\n"

    def _fields(self, until: str) -> list[str]:
        rows = [self._field()]
        while self._tokens and self._tokens[0] == ",":
            self._take(",")
            rows.append(self._field())
        assert not self._tokens if not until else self._take(until)
        return rows

    def _field(self) -> str:
        name = self._take()
        self._take(":")
        keys = {"meaning": f"the {name}", **self._type()}
        while self._tokens and self._tokens[0] not in {",", "}"}:
            keys |= self._mark()
        return f"{name} = {{ {', '.join(f'{key} = {_toml(value)}' for key, value in keys.items())} }}"

    def _type(self) -> dict[str, object]:
        match word := self._take():
            case "enum":
                return {"type": "enum", "values": self._values()}
            case "[":
                of = self._shape() if self._tokens[0] == "{" else self._take()
                self._take("]")
                return {"type": "list", "of": of}
            case "{":
                self._tokens.insert(0, word)
                return {"type": "object", "of": self._shape()}
            case _:
                return {"type": word}

    def _values(self) -> list[str]:
        self._take("(")
        values = [self._take()]
        while self._take() == "|":
            values.append(self._take())
        return values

    def _shape(self) -> str:
        self._take("{")
        rows = self._fields(until="}")
        name = f"part{len(self._shapes) + 1}"
        self._shapes.append((name, rows))
        return name

    def _mark(self) -> dict[str, object]:
        match mark := self._take():
            case "?":
                return {"required": False}
            case "~":
                return {"nullable": True}
            case "@":
                return {"class": self._take()}
            case "!":
                return {"deprecated": {"since": "1"}}
            case "in":
                return {"unit": self._take()}
            case "<-":
                return {"renamed_from": self._take()}
            case _:
                return {"meaning": mark.strip('"')}

    def _take(self, wanted: str = "") -> str:
        token = self._tokens.pop(0)
        assert not wanted or token == wanted, f"{wanted!r} was expected, {token!r} is there"
        return token


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value)
