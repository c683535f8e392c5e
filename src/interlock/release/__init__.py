"""Releases: an immutable, content-addressed build of a strategy folder; what runs is a release."""
