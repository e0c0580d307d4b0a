"""Measurements of this machine: transforms, squarings, memory, text and disks."""
