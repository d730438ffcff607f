"""What the REST API needs of the whole project: who calls, what errors look like, where everything is, and its description."""
