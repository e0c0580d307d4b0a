"""Transforms, products and the Newton ladder on arrays in memory."""
