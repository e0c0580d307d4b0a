"""Checks of digit files: against their certificate, or by computing a certificate for digits from elsewhere."""
