"""Modules for every layer: errors, events, units, facts of the machine, formats of words, failpoints, the version."""
