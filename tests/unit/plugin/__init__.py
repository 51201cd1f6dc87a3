"""Tests of the pytest plugin's parts."""
