"""
A provider to develop, demonstrate and test against: OpenAI, Anthropic and Ollama shapes, and a plain HTTP service.

Start reading at `app.py`: it reads a request, asks one dialect for a `Reply` and lets `player.py` send it with the timing and the
fault that the model name chose (`behaviour.py`). Dialects are pure functions from request to reply; nothing here imports Django.
"""
