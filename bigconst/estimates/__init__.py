"""Estimates of how long a run takes: speeds of machines, the work in a plan, and the hours and costs that follow."""
