"""From a client's dialect to a provider's and back: `<client>_<provider>.py`, pure functions, one pair a module."""
