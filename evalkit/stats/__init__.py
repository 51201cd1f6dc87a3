"""Statistics of paired evaluations: arrays in, frozen results out. Knows numbers, not cases.

Differences are candidate minus base with higher = better. What cannot be estimated comes back as
`NotEstimable` with the reason, never as nan and never as an exception. Nothing is imported here,
so that asking for `values` loads neither numpy nor scipy.
"""
