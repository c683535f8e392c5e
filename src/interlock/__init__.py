"""Interlock: an integration hub whose strategy folder is the program."""

__version__ = "0.1.0"
