"""Where mappings and functions come from: those that ship with a connector, and the standard functions."""

import importlib
import importlib.resources
import importlib.util
import inspect
from collections.abc import Mapping as MappingType

from interlock.mapping.functions import Function, Functions
from interlock.mapping.language import Mapping, load_mapping


def connector_mapping(connector: str, override: str = "", file_name: str = "") -> Mapping:
    """The mapping of a connector, with the user's file (`mappings/netsuite.toml`) merged over it."""
    text = (importlib.resources.files(f"interlock.connectors.{connector}") / "mapping.toml").read_text("utf-8")
    shipped = load_mapping(text, f"connectors/{connector}/mapping.toml")
    return shipped.merged(load_mapping(override, file_name or f"mappings/{connector}.toml")) if override else shipped


def connector_functions(connector: str, users: MappingType[str, Function] | None = None) -> Functions:
    """Standard functions, then the connector's `functions.py` if it has one, then the user's."""
    name = f"interlock.connectors.{connector}.functions"
    vendors = public_functions(name) if importlib.util.find_spec(name) else {}
    return Functions(public_functions("interlock.mapping.standard"), vendors, users or {})


def public_functions(module: str) -> dict[str, Function]:
    """The functions that a module defines itself, without those that begin with an underscore."""
    found = importlib.import_module(module)
    members = inspect.getmembers(found, inspect.isfunction)
    return {name: call for name, call in members if call.__module__ == found.__name__ and not name.startswith("_")}
