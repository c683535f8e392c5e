"""Twins: stateful simulators of vendors' APIs over real HTTP, seeded and able to fail.

They share no code with the hub: shared code would be shared mistakes.
"""
