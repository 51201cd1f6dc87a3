"""Tests of the confined process."""
