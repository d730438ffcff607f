"""
What stands between the socket and the ASGI application: limits of HTTP/1.1 and WebSocket connections, draining, replaced workers.

Rules: nothing here knows what the application serves. It shares one value with it, `proxy.lifecycle.Lifecycle`.
"""
