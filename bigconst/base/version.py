"""The version of the program, as reports, certificates and manifests name it."""

__version__ = "0.1.0"
