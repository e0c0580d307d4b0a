"""How a constant is computed from its plan: root, digits and remainder, in memory and on disk."""
