"""Makes a PDF small by moving its plain objects into compressed object streams.

Typst writes the accessibility structure, thousands of short and similar objects, uncompressed;
for call detail it is five sixths of the file. PDF 1.5 and later (so PDF/A-2 and PDF/UA-1 too) let
such objects live in compressed streams. Streams, their content and all numbers of objects stay as
they are, so nothing that a reader shows, reads aloud or validates changes.
"""

from __future__ import annotations

import re
import zlib

PER_STREAM = 400  # objects; a reader unpacks a whole stream to get at one of them
_TRAILER = re.compile(rb"trailer\s*<<(.*)>>\s*startxref\s*(\d+)\s*%%EOF\s*\Z", re.DOTALL)
Place = tuple[int, int, int]  # as in a cross-reference stream: kind, offset or stream, index


def pack(pdf: bytes) -> bytes:
    """The same PDF with object and cross-reference streams.

    Takes a file with one cross-reference table whose objects stand one after the other, as Typst
    writes it; anything else raises `ValueError`.
    """
    trailer = _TRAILER.search(pdf, max(pdf.rfind(b"trailer"), 0))
    if trailer is None:
        raise ValueError("a PDF without a plain trailer")
    table_at = int(trailer[2])
    offsets = _offsets(pdf, table_at)
    ends = [*(offset for offset, _ in offsets[1:]), table_at]
    out = bytearray(pdf[: offsets[0][0]])
    places: dict[int, Place] = {}
    plain: list[tuple[int, bytes]] = []
    for (start, number), end in zip(offsets, ends, strict=True):
        text = pdf[start:end].rstrip()
        head = b"%d 0 obj" % number
        if not (text.startswith(head) and text.endswith(b"endobj")):
            raise ValueError(f"object {number} is not where the table says")
        content = text[len(head) : -len(b"endobj")].strip()
        if content.endswith(b"endstream"):
            places[number] = (1, len(out), 0)
            out += text + b"\n"
        else:
            plain.append((number, content))
    number = max(number for _, number in offsets) + 1
    for at in range(0, len(plain), PER_STREAM):
        chunk = plain[at : at + PER_STREAM]
        places |= {own: (2, number, index) for index, (own, _) in enumerate(chunk)}
        places[number] = (1, len(out), 0)
        out += _object_stream(number, chunk)
        number += 1
    places[number] = (1, len(out), 0)
    end = len(out)
    out += _cross_reference(number, places, re.sub(rb"/Size\s+\d+", b"", trailer[1]))
    out += b"startxref\n%d\n%%%%EOF\n" % end
    return bytes(out)


def _offsets(pdf: bytes, table_at: int) -> list[tuple[int, int]]:
    """Offset and number of every object in use, by offset."""
    head = re.compile(rb"xref\s+0 (\d+)\s*\n").match(pdf, table_at)
    if head is None:
        raise ValueError("a PDF without a plain cross-reference table")
    rows = pdf[head.end() : head.end() + 20 * int(head[1])]
    result = []
    for number in range(int(head[1])):
        row = rows[20 * number : 20 * number + 20]
        if row[17:18] == b"n":
            result.append((int(row[:10]), number))
    if not result:
        raise ValueError("a PDF without objects")
    return sorted(result)


def _object_stream(number: int, chunk: list[tuple[int, bytes]]) -> bytes:
    index = bytearray()
    body = bytearray()
    for own, content in chunk:
        index += b"%d %d " % (own, len(body))
        body += content + b"\n"
    data = zlib.compress(bytes(index + body), 6)
    return (
        b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n"
        % (number, len(chunk), len(index), len(data))
        + data
        + b"\nendstream\nendobj\n"
    )


def _cross_reference(number: int, places: dict[int, Place], entries: bytes) -> bytes:
    rows = bytearray()
    for own in range(number + 1):
        kind, where, index = places.get(own, (0, 0, 65535))
        rows += kind.to_bytes(1, "big") + where.to_bytes(4, "big") + index.to_bytes(2, "big")
    data = zlib.compress(bytes(rows), 6)
    return (
        b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]%s/Filter/FlateDecode/Length %d>>\nstream\n"
        % (number, number + 1, entries, len(data))
        + data
        + b"\nendstream\nendobj\n"
    )
