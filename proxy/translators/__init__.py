"""
From a client's dialect to a provider's and back, without I/O: `direct_<dialect>.py` where both speak the same, else a codec of `clients/`
and one of `providers/` over the neutral form in `conversation.py`. `registry.py` says which.
"""
