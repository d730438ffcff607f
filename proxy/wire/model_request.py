"""What a client asks of a model, in the client's own dialect: checked as far as a gateway must, and otherwise as it was written."""

from __future__ import annotations

from typing import Literal

import msgspec

Operation = Literal["chat", "completions", "embeddings", "responses", "messages", "count_tokens", "moderations", "service"]
"""One for each format a client may speak; `service` is a plain HTTP upstream's, which we do not read."""


class ModelRequest(msgspec.Struct, frozen=True):
    """
    A checked request. `fields` are the top-level fields as they were written, each name once: a repeated name keeps its last value,
    so what was checked is what the upstream gets.

    `is_usage_wanted`: the client asked for a usage chunk in its stream. `output_limit_tokens`: the client's own cap, None without one.
    `is_deterministic`: the same request may get the same answer twice (temperature 0, or a task without sampling).
    `previous_response_id`: of a Responses request, the earlier response whose items were put in front of `input`.
    `query`: the part of the path's query that may cross to an upstream which speaks the client's dialect.
    Cost: a frozen dataclass would take a microsecond to make, this a tenth. `msgspec.structs.replace` makes a changed copy.
    """

    operation: Operation
    model: str
    is_stream: bool
    is_usage_wanted: bool
    fields: dict[str, msgspec.Raw]
    output_limit_tokens: int | None = None
    choices_count: int = 1
    is_deterministic: bool = False
    end_user: str = ""
    previous_response_id: str = ""
    query: str = ""
