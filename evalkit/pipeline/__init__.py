"""The only place that wires the parts: suites, clients, store, graders, decision, report."""
