"""Tests of the strategy folder."""
