"""A program for fault case 29: one process of a hub that makes business calls with the tokens of a shared vault.

    token_worker.py FOLDER URL

It reads a line per round, `go COUNT` or `die COUNT`, makes that many business calls at once, and answers with a line
`{"good": .., "refused": ..}`. `die`: it kills itself when it has the answer to a refresh and is about to keep it.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "connectors"))
from token_authority import ACCESS, CLIENT, FIRST_REFRESH

from interlock.clock import SystemClock
from interlock.connectors.contract import Connection
from interlock.connectors.http import Answer, Http
from interlock.connectors.shopify.tokens import grant_of
from interlock.connectors.token_store import StoredToken
from interlock.connectors.tokens import TokenKeeper
from interlock.security.vault import Vault

LEASE_SECONDS = 0.5
"""Shorter than in production, so that the others need not wait long for a killed process."""


class Mortal(Vault):
    """Dies between the answer and the commit, when told to."""

    doomed = False

    async def commit(self, name: str, fence: int, token: StoredToken) -> bool:
        if self.doomed:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().commit(name, fence, token)


async def serve(folder: Path, url: str) -> None:
    clock, http = SystemClock(), Http([url.removeprefix("http://")])
    vault = Mortal(folder, clock, environ={})
    connection = Connection(
        system="shopify", url=url, settings={}, credentials=CLIENT | {"refresh_token": FIRST_REFRESH}, builders={},
        http=http, clock=clock, tokens=vault,
    )  # fmt: skip
    keeper = TokenKeeper(grant_of(connection), vault, clock, system="shopify", lease_seconds=LEASE_SECONDS)

    async def business(token: str) -> Answer:
        return await http.send("POST", f"{url}/admin/api/graphql.json", {ACCESS: token}, b"{}", 5.0)

    while line := await asyncio.to_thread(sys.stdin.readline):
        order, count = line.split()
        vault.doomed = order == "die"
        answers = await asyncio.gather(*(keeper.call(business) for _ in range(int(count))))
        good = sum(isinstance(each, Answer) and each.status == 200 for each in answers)
        print(json.dumps({"good": good, "refused": len(answers) - good}), flush=True)
    await http.close()
    await vault.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
