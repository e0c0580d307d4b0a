"""Means to carry out a plan: threads, memory, pipelines, and the records by which a run is resumed."""
