"""`python -m proxy.simulator --port 8081`: the simulator alone, without Django."""

from __future__ import annotations

import argparse
import sys

from proxy.simulator.server import DEFAULT_HOST, DEFAULT_PORT, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that this program and `manage.py simulator` share."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port to listen on; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--require-key", metavar="KEY", help="answer 401 to calls that carry another key, to try a refused credential")


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proxy.simulator", description="A provider to develop, demonstrate and test against.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        serve(options.host, options.port, options.require_key)
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {options.host}:{options.port}: {error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
