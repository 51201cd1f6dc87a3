"""Tests of the suite package."""
