"""STR041-STR049: values that are fine alone and make no sense together."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo, available_timezones

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder


class OneTitle(Check):
    code = "STR041"
    title = "Two things have the same title"
    why = "people know systems and flows by their titles"
    bad = Example("systems/crm.toml", 'title = "NetSuite"')
    good = Example("systems/crm.toml", 'title = "Klaviyo"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for files in (folder.systems, folder.flows):
            first: dict[str, str] = {}
            for name, file in files.items():
                title = file.value.title.casefold()
                if title and first.setdefault(title, name) != name:
                    what = f'{subject(file)}: the title "{file.value.title}" belongs to {first[title]}'
                    yield self.finding(file, ("title",), what, next_move="give it a title of its own")


class RetryCap(Check):
    code = "STR042"
    title = "The longest delay is below the first"
    why = "delays grow from base_seconds to cap_seconds"
    bad = Example("systems/erp.toml", "[retry]\nbase_seconds = 60\ncap_seconds = 30")
    good = Example("systems/erp.toml", "[retry]\nbase_seconds = 30\ncap_seconds = 60")

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in (*folder.systems.values(), *folder.flows.values()):
            retry = file.value.retry
            if retry and retry.cap_seconds < retry.base_seconds:
                what = f"{subject(file)}: cap_seconds is {retry.cap_seconds:g} and base_seconds {retry.base_seconds:g}"
                yield self.finding(
                    file, ("retry", "cap_seconds"), what, next_move="raise cap_seconds or lower base_seconds"
                )


class TimeZone(Check):
    code = "STR043"
    title = "The time zone does not exist"
    why = "business days and reports follow an IANA time zone"
    bad = Example("strategy.toml", 'timezone = "Europe/Berlln"')
    good = Example("strategy.toml", 'timezone = "Europe/Berlin"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        name = folder.strategy.value.timezone
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            hint = did_you_mean(name, {zone.lower(): zone for zone in available_timezones()})
            yield self.finding(
                folder.strategy, ("timezone",), f'strategy.toml: unknown time zone "{name}"', next_move=hint
            )


class DataFolder(Check):
    code = "STR044"
    title = "The data folder lies outside"
    why = "the store is kept below the strategy folder, so that two folders never share one"
    bad = Example("strategy.toml", '[engine]\nfolder = "../data"')
    good = Example("strategy.toml", '[engine]\nfolder = "data"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        name = folder.strategy.value.engine.folder
        if name.startswith("/") or ".." in name.split("/"):
            what = f'strategy.toml: "{name}" leads out of the folder'
            yield self.finding(
                folder.strategy,
                ("engine", "folder"),
                what,
                next_move='write folder = "data"; it may be a link to another disk',
            )
