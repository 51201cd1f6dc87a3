"""Suites as values: checking, parsing and rendering of trees that someone else has read."""
