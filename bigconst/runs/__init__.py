"""Runs from a typed request to a report: what they open, store, resume, show and report.

Commands and Python functions alike build the requests; nothing here knows how they were spelled.
"""
