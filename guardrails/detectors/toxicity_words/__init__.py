"""The words that toxicity rules are made of, by class. They have to name what they look for, so these files are not pleasant to read."""
