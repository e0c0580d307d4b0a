"""What every layer may use: errors, events, units, facts of the machine, formats of words, failpoints, the version."""
