"""Reaching models: every kind of client behind `evalkit.model.Client`."""

from __future__ import annotations

from evalkit.clients.registry import factory_of, make_client

__all__ = ["factory_of", "make_client"]
