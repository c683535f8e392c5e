"""The command `interlock`: the names and one line of help stand here; a command's module is imported when it is called."""

from importlib import import_module

import click

COMMANDS = {
    "demo": ("interlock.cli.start", "See it work: a shop, three systems and a hub on this machine."),
    "init": ("interlock.cli.start", "Write a starter strategy folder."),
    "check": ("interlock.cli.check", "Tell every mistake of the strategy folder."),
    "schemas": ("interlock.cli.check", "Write JSON Schemas of the folder's files, for editors."),
    "run": ("interlock.cli.run", "Run the hub on a strategy folder."),
    "doctor": ("interlock.cli.doctor", "Judge the machine, the store and the secrets."),
    "status": ("interlock.cli.reading", "Say what is open, dead and delivered at each destination."),
    "tail": ("interlock.cli.reading", "Follow deliveries, a line each."),
    "find": ("interlock.cli.reading", "Find objects by name, key, id at any system or event id."),
    "show": ("interlock.cli.reading", "Tell the story of one order."),
    "issues": ("interlock.cli.reading", "List dead letters by cause."),
    "retry": ("interlock.cli.writing", "Make the failed deliveries of an order due now."),
    "replay": ("interlock.cli.writing", "Deliver chosen deliveries again."),
    "discard": ("interlock.cli.writing", "Give chosen deliveries up for good."),
    "hold": ("interlock.cli.writing", "Stop chosen deliveries."),
    "release": ("interlock.cli.writing", "Let held deliveries go on."),
    "trigger": ("interlock.cli.trigger", "Send a signed webhook to the running hub."),
    "twin": ("interlock.cli.twin", "Run a vendor's twin, make it fail, give it load."),
}
"""Command -> (its module, its line of help); a test holds the line against the command's own."""


class LazyGroup(click.Group):
    """Help and completion read the table; only the called command's module is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interlock")
def main() -> None:
    """Interlock connects a shop with the systems that fulfil, book and tell, and loses nothing on the way.

    Exit codes: 0 done, 1 findings or failed, 2 wrong usage, 74 the store failed.
    """
