"""Burn-in: processors, memory and disks under full load, with results that are known or computed twice."""
