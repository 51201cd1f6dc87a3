"""Tests of the guard packs."""
