"""One module per command: `add` declares its arguments, `run` carries it out and prints the results.

Nothing heavy is imported at module level: `bigconst --help` imports all of the modules.
"""
