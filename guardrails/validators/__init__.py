"""Checksums and structures of identifiers: pure functions of a compact value (letters and digits only, capitals)."""
