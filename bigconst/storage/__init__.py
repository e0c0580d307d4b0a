"""Bytes on disks; knows nothing of numbers."""
