"""The configuration as one document: exported, compared, and applied from a file."""
