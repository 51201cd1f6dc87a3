"""Tests of `evalkit.starter`."""
