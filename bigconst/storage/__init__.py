"""Bytes on disks: files, locks and the scratch volume.  Nothing here knows of numbers."""
