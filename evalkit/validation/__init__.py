"""Every error rate that evalkit states, simulated: `python -m evalkit.validation` prints the table.

Pure: a study takes a seeded generator and gives rates. Tests and documentation read the same
studies, so the table in the docs is what the code does.
"""
