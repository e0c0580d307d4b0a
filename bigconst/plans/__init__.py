"""Pure functions from a request to all sizes of a run: lengths, shapes, addresses, memory, scratch and traffic."""
