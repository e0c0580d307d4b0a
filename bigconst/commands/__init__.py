"""One module per command: `add` declares its arguments, `run` does the work.

Nothing heavy is imported at module level: `bigconst --help` reads all of them.
"""
