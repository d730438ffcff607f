"""
The door before the REST API: keys, limits, kept answers, compression and times for `/api`, beside the data plane and before Django.

`door.py` is where a request comes in. Rules: no Django; the REST application behind it is a port (`ports.py`).
"""
