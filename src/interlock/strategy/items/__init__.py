"""The eight items of the checklist, a module each with its rules; `interlock.strategy.checklist` puts them together."""
