"""Mappings: TOML tables from a vendor's document to a canonical object and back, compiled to straight-line code."""

from interlock.mapping.compile import Reader, Writer, compile_in, compile_out
from interlock.mapping.context import Context
from interlock.mapping.functions import Functions
from interlock.mapping.items import Items, load_items
from interlock.mapping.language import Mapping, MappingFileError, load_mapping
from interlock.mapping.library import connector_functions, connector_mapping
from interlock.mapping.straight import Straight, compile_straight

__all__ = [
    "Context",
    "Functions",
    "Items",
    "Mapping",
    "MappingFileError",
    "Reader",
    "Straight",
    "Writer",
    "compile_in",
    "compile_out",
    "compile_straight",
    "connector_functions",
    "connector_mapping",
    "load_items",
    "load_mapping",
]
