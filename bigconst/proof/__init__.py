"""Digit files that are checked: against a certificate, or by computing one for digits from elsewhere."""
