"""The one tree of errors: each says what, where and why, and what to do next, and carries a code.

InterlockError
  StrategyError       the folder is wrong (one finding; StrategyErrors carries all of them)
  MappingError        a value of a document cannot be translated; has the path of the value
  SettingsError       the environment is wrong: port in use, folder read-only, old SQLite
  StoreError          our own store failed; a failed commit is uncertain, never retried in place
  IntakeError         an incoming event is refused; has the HTTP status to answer
"""


class InterlockError(Exception):
    """An error that a person can act on.

    `code` is stable and documented (docs/reference/errors.md); `where` is a file and line, a path in a document or a
    system; `next_move` is an imperative sentence.
    """

    default_code = "HUB000"

    def __init__(self, what: str, *, code: str = "", where: str = "", why: str = "", next_move: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.code = code or self.default_code
        self.where = where
        self.why = why
        self.next_move = next_move

    def __str__(self) -> str:
        parts = [f"{self.code} {self.what}"]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.why:
            parts.append(f"why:   {self.why}")
        if self.next_move:
            parts.append(f"next:  {self.next_move}")
        return "\n  ".join(parts)


class SettingsError(InterlockError):
    """The machine or the environment does not allow what was asked (port, disk, SQLite, secrets)."""

    default_code = "SET000"


class StoreError(InterlockError):
    """Our own store failed. The outcome of the transaction is unknown: stop, reopen, verify; never retry an fsync."""

    default_code = "STO000"


class MappingError(InterlockError):
    """A document cannot be translated. `path` is where the offending value stands, such as `$.line_items[2].price`."""

    default_code = "MAP000"

    def __init__(
        self, what: str, *, path: str = "", value: object = None, code: str = "", why: str = "", next_move: str = ""
    ) -> None:
        super().__init__(what, code=code, where=path, why=why, next_move=next_move)
        self.path = path
        self.value = value


class UnmappedReference(MappingError):  # noqa: N818  a state of the world that is waited for, not a mistake
    """A business reference (an item, a location) has no counterpart at the destination yet.

    The delivery waits for `kind` `value` at `system` and resumes by itself when the mapping appears (C26).
    """

    default_code = "MAP010"

    def __init__(self, kind: str, value: str, *, system: str, path: str = "") -> None:
        super().__init__(
            f"{kind} {value!r} has no counterpart at {system}",
            path=path,
            value=value,
            why=f"neither mappings/items.toml nor the rule for {kind}s of {system} names one",
            next_move=f"add the {kind} to mappings/items.toml (or create it at {system}); the delivery resumes by itself",
        )
        self.kind = kind
        self.reference = value
        self.system = system


class IntakeError(InterlockError):
    """An incoming event is refused; `status` is the HTTP status of the problem+json answer."""

    default_code = "INT000"

    def __init__(
        self,
        what: str,
        *,
        status: int,
        code: str = "",
        why: str = "",
        next_move: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(what, code=code, why=why, next_move=next_move)
        self.status = status
        self.retry_after_seconds = retry_after_seconds
