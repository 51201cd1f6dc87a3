"""A training file to a project: what its rows are, which are held out, how answers are graded."""
