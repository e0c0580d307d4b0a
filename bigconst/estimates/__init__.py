"""How long a run will take: speeds of machines, the work in a plan, and what follows from both."""
