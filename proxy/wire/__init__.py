"""Formats on the wire: bytes in, values out, and back. No I/O, no configuration, no Django."""
