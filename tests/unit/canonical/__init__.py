"""Tests of contracts and money."""
