"""Geometry of the report's charts: numbers in, coordinates out; the templates only place them.

Each chart is laid out three times, since text in an SVG shrinks with it: for a desk, a tablet or
paper, and a phone. A style sheet shows one of them.
"""
