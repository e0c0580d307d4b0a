"""A run from a typed request to a report: what it opens, holds, resumes, shows and reports.

Commands and Python functions alike build the requests; nothing here knows how they were spelled.
"""
