"""`/api/keys`: programs and people manage the keys of a workspace."""
