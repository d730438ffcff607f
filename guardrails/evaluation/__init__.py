"""What a policy finds in labelled texts, how fast, and whether a stream is told the same: figures for whoever writes policies."""
