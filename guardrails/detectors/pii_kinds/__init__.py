"""What is personal data, in small tables by family: shapes, checksums, and the words that must stand before the rest."""
