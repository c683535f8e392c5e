"""The command `interlock`: the names and one line of help stand here; a command's module is imported when it is called."""

import os
from importlib import import_module

import click

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("interlock.cli.start", "See it work: a shop, three systems and a hub on this machine."),
        "init": ("interlock.cli.start", "Write a starter strategy folder."),
        "check": ("interlock.cli.check", "Tell every mistake of the strategy folder, and what it lacks."),
        "schemas": ("interlock.cli.check", "Write JSON Schemas of the folder's files, for editors."),
        "docs": ("interlock.cli.docs", "Write the strategy as a static site."),
        "export": ("interlock.cli.export", "Write the strategy in the words of a standard."),
    },
    "Strategy": {
        "records": ("interlock.cli.records", "Say which system is record of what."),
        "matrix": ("interlock.cli.matrix", "Draw the priority matrix of the flows."),
        "advise": ("interlock.cli.advise", "Say which pattern suits which flow, and why."),
        "contracts": ("interlock.cli.contracts", "List the contracts of all objects, or print one."),
        "map": ("interlock.cli.mapping", "Show what becomes of each field, and try a changed mapping."),
        "compatibility": ("interlock.cli.versions", "Say whom a new version of a contract breaks."),
        "publish": ("interlock.cli.versions", "Promise that a version of a contract changes no more."),
        "consumers": ("interlock.cli.consumers", "List who uses which version of an object."),
    },
    "Run": {
        "run": ("interlock.cli.run", "Run the hub on a strategy folder."),
        "connect": ("interlock.cli.connect", "Let a merchant install the app, and keep its tokens."),
        "doctor": ("interlock.cli.doctor", "Judge the machine, the store and the secrets."),
    },
    "Change": {
        "plan": ("interlock.cli.plan", "Say what a changed folder would do, before it does."),
        "apply": ("interlock.cli.apply", "Let the folder run, as a new release."),
        "rollback": ("interlock.cli.apply", "Go back to a release that ran, and list what the newer one wrote."),
        "releases": ("interlock.cli.releases", "List the releases that ran: when, by whom, what changed."),
    },
    "Look": {
        "status": ("interlock.cli.status", "Say how each flow and each destination does."),
        "tail": ("interlock.cli.tail", "Follow deliveries, a line each."),
        "find": ("interlock.cli.find", "Find objects by name, key, id at any system or event id."),
        "show": ("interlock.cli.show", "Tell the story of one order."),
        "stock": ("interlock.cli.stock", "Tell a SKU's stock, and why; without one, how true all is."),
        "orders": ("interlock.cli.listing", "List orders by their last event, and where each stands."),
        "deliveries": ("interlock.cli.listing", "List deliveries that a choice names."),
        "issues": ("interlock.cli.listing", "List what needs a person by cause, or all of one cause."),
        "drift": ("interlock.cli.drift", "List where a source's documents have changed."),
        "audit": ("interlock.cli.listing", "List who changed what, and why."),
        "systems": ("interlock.cli.catalogue", "List the systems, their owners and how they do."),
        "flows": ("interlock.cli.catalogue", "List the flows as the way of each object, or tell one."),
        "runbook": ("interlock.cli.catalogue", "Print a runbook of the folder."),
    },
    "Act": {
        "backfill": ("interlock.cli.backfill", "Read everything that a system holds of an object."),
        "reconcile": ("interlock.cli.reconcile", "Say what webhooks did not tell of."),
        "sync": ("interlock.cli.sync", "Bring a channel up to date in full."),
        "privacy": ("interlock.cli.privacy", "List what people asked of their data."),
        "retry": ("interlock.cli.replay", "Make the failed deliveries of an order due now."),
        "replay": ("interlock.cli.replay", "Deliver chosen deliveries again."),
        "replays": ("interlock.cli.replay", "Say what became of a replay."),
        "discard": ("interlock.cli.writing", "Give chosen deliveries up for good."),
        "hold": ("interlock.cli.writing", "Stop chosen deliveries."),
        "release": ("interlock.cli.writing", "Let held deliveries go on."),
        "pause": ("interlock.cli.flow_stops", "Stop a flow: nothing more begins."),
        "drain": ("interlock.cli.flow_stops", "Let a flow end what is queued and begin nothing new."),
        "resume": ("interlock.cli.flow_stops", "Let a paused or drained flow go on."),
    },
    "Try": {
        "trigger": ("interlock.cli.trigger", "Send a signed webhook to the running hub."),
        "twin": ("interlock.cli.twin", "Run a vendor's twin, make it fail, give it load."),
    },
}
"""Command -> (its module, its line of help), in the order of their use; a test holds the line against the command's own."""

COMMANDS = {name: entry for commands in GROUPS.values() for name, entry in commands.items()}


class LazyGroup(click.Group):
    """Help and completion read the table; only the called command's module is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        near = get_close_matches(args[0], COMMANDS, n=1) if args and args[0] not in COMMANDS else []
        if near:
            ctx.fail(f"there is no command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<10}", line) for name, (_, line) in commands.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interlock-hub", prog_name="interlock")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Interlock connects a shop with the systems that fulfil, book and tell, and loses nothing on the way.

    Begin with: interlock demo

    Each command takes --help, with examples, and --json. Exit codes: 0 done, 1 findings or failed, 2 wrong usage,
    74 the store failed, 130 interrupted.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
