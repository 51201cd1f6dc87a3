"""Graders that ask another model for a verdict."""
