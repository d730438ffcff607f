"""
XML of office documents, event by event, with what makes XML dangerous refused: no document types, so no entities, and bounded depth.

Names lose their namespaces' addresses: the two generations of office formats differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from xml.parsers import expat

from ragcache.retrieval.errors import DamagedDocument

MAX_DEPTH: Final = 256

Begin: TypeAlias = Callable[[str, Mapping[str, str]], None]
End: TypeAlias = Callable[[str], None]
Text: TypeAlias = Callable[[str], None]


def read_xml(data: bytes, begin: Begin, end: End, text: Text) -> None:
    """Call back for each element and text, names without namespace. Errors: DamagedDocument, also for a document type."""
    depth = 0

    def on_begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise DamagedDocument(f"The document's XML is nested more than {MAX_DEPTH} deep.")
        begin(_local(name), {_local(key): value for key, value in attributes.items()})

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(_local(name))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = on_begin
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DamagedDocument(f"The document's XML is broken: {error}. Save it again with its program.") from error


def _refuse(*_: object) -> None:
    raise DamagedDocument("The document's XML declares a document type, which no office program writes. Save it again with its program.")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
