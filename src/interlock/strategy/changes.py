"""changes/NNNN.toml: a change that others must prepare for, with its owner, its dates, who is affected and the way back."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

NAME = Annotated[str, Meta(min_length=1, max_length=64)]
TEXT = Annotated[str, Meta(min_length=1, max_length=2_000)]
CHANGE_NAME = re.compile(r"\d{4}")
LOCK_PATH = "objects/published.lock"
CONVERTER_PATH = re.compile(r"objects/[^/]+\.v\d+-v\d+\.toml")
CONVERTER_NAME = re.compile(r"(?P<object>[a-z][a-z0-9_]*)\.v(?P<old>[1-9]\d*)-v(?P<new>[1-9]\d*)")


class ReviewWindow(Struct, frozen=True, forbid_unknown_fields=True):
    """The days in which those affected may object."""

    first_day: Annotated[date, Meta(description="First day, such as 2026-11-23.")] = msgspec.field(name="from")
    last_day: Annotated[date, Meta(description="Last day.")] = msgspec.field(name="to")


class BrownOut(Struct, frozen=True, forbid_unknown_fields=True):
    """A time in which the old version is refused for a while, so that whoever still uses it finds out in time."""

    start: Annotated[datetime, Meta(tz=True, description="When it begins, with its zone: 2027-02-01T09:00:00Z.")] = (
        msgspec.field(name="from")
    )
    end: Annotated[datetime, Meta(tz=True, description="When it ends; deliveries that waited go on then.")] = (
        msgspec.field(name="to")
    )


class ChangeFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """changes/NNNN.toml: one change."""

    title: Annotated[TEXT, Meta(description="The change in a sentence.")]
    kind: Annotated[Literal["breaking", "compatible"], Meta(description="Whether those affected must do something.")]
    owner: Annotated[NAME, Meta(description="The team that answers for it.")]
    object: Annotated[str, Meta(max_length=80, description="The new version that it brings: `order.v2`.")] = ""
    replaces: Annotated[str, Meta(max_length=80, description="The version that goes: `order.v1`.")] = ""
    flow: Annotated[str, Meta(max_length=64, description="The flow that it is about, when it is not an object.")] = ""
    review: Annotated[ReviewWindow, Meta(description="The days in which those affected may object.")] | None = None
    deprecated_on: (
        Annotated[date, Meta(description="From this day on, each use of the old version is warned of.")] | None
    ) = None
    sunset_on: (
        Annotated[date, Meta(description="From this day on, the old version is refused; until then both run.")] | None
    ) = None
    consumers: Annotated[
        list[NAME], Meta(max_length=500, description="Flows and systems that use the old version and have to move.")
    ] = []
    rollback: Annotated[str, Meta(max_length=2_000, description="How to go back, and until when that works.")] = ""
    converters: Annotated[
        str, Meta(max_length=100, description="The file that turns one version into the other: `order.v1-v2`.")
    ] = ""
    brown_outs: Annotated[
        list[BrownOut], Meta(max_length=50, description="Times in which the old version is refused for a while.")
    ] = []

    @property
    def needed(self) -> dict[str, bool]:
        """What a breaking change of an object has to say, and whether it is said."""
        return {
            "replaces": bool(self.replaces),
            "review": self.review is not None,
            "deprecated_on": self.deprecated_on is not None,
            "sunset_on": self.sunset_on is not None,
            "consumers": bool(self.consumers),
            "rollback": bool(self.rollback),
            "converters": bool(self.converters),
        }


class ConverterFile(Struct, frozen=True, forbid_unknown_fields=True):
    """objects/NAME.vN-vM.toml: rows of the mapping language from one version to the other, and back."""

    up: Annotated[dict[str, Any], Meta(description="Rows `new field = old field`. Fields that are alike need none.")]
    down: Annotated[dict[str, Any], Meta(description="Rows `old field = new field`. Fields that are alike need none.")]
