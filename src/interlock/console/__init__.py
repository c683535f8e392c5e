"""The operator's pages: is it working, where is this order, what failed and why, and what to do next."""

from interlock.console.actions import Actions, Demo
from interlock.console.app import create_console, show_strategy
from interlock.console.translation import Translator

__all__ = ["Actions", "Demo", "Translator", "create_console", "show_strategy"]
