"""Machines that can be hired: what they have, what they cost, and when and where that was found."""
