"""
A provider to develop, demonstrate and test against: the dialects of OpenAI, Azure, Anthropic, Gemini and Ollama, and a plain HTTP service.

Start reading at `app.py`: it reads a request, asks the dialect of its path (`routes.py`) for a `Reply` and lets `player.py` send it with
the timing and the fault that the model name chose (`behaviour.py`). What the model says is decided once for all dialects (`answer.py`).
Dialects are functions from request to reply, pure but for the responses that OpenAI remembers; nothing here imports Django.
"""
