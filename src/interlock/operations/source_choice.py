"""Which system is meant when a person names an object and perhaps a system: the one that is able, or an error that names them."""

from collections.abc import Sequence

from interlock.errors import SettingsError


def source_of(able: Sequence[str], wanted: str, *, things: str, done: str, code: str, needs: str) -> str:
    """`able` are the systems with which it can be done; `needs` says what makes one able. Raises SettingsError with `code`
    when the wanted one is not able, when none is, or when several are and none was named.
    """
    if wanted in able or (not wanted and len(able) == 1):
        return wanted or able[0]
    named = f" of {wanted}" if wanted else ""
    raise SettingsError(
        f"nothing says whose {things} are meant" if able and not wanted else f"{things}{named} cannot be {done}",
        code=code, where=f"systems/{wanted}.toml" if wanted else "flows",
        why=f"of these they can be: {', '.join(able)}" if able else needs,
        next_move=f"say --system {able[0]}" if able else "interlock flows",
    )  # fmt: skip
