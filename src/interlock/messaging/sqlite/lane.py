"""A lane in the store: the deliveries of one object to one destination, in their order; exactly one open one leads."""

import apsw


def hand_on(
    connection: apsw.Connection, sql: dict[str, str], *, system: str, object_name: str, key: str, destination: str
) -> None:
    """Let the earliest open delivery of the lane lead, unless another one of it leads already."""
    open_ones = connection.execute(sql["lane"], (object_name, key, destination, system)).fetchall()
    if open_ones and not any(head for _, _, head in open_ones):
        _opened, earliest, _head = min(open_ones)
        connection.execute(sql["lead"], (earliest,))
