"""Removes metadata (EXIF with its GPS position, XMP, comments, profiles) from picture files without decoding them.

The pixels keep every bit that the shop uploaded, which re-encoding a JPEG would not do. Only what a decoder needs is
copied, so bytes hidden behind the end of a picture and the later frames of an animated PNG go as well. Each function
returns None for a structure that it does not know; the caller then re-encodes.

Sources: ITU-T T.81 annex B (JPEG), W3C PNG 3rd edition section 5, RFC 9649 (WebP).
"""

import re
import struct
from collections.abc import Callable

_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")  # a restart marker and a stuffed zero belong to the scan
_JPEG_KEPT_APP = {0xE0: b"JFIF\x00", 0xEE: b"Adobe"}  # the latter says which colour transform was used
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"IDAT", b"IEND"}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"ALPH"}
_WEBP_ALPHA, _WEBP_ANIMATION = 0x10, 0x02


def strip_jpeg(data: bytes) -> bytes | None:
    if data[:2] != b"\xff\xd8":
        return None
    kept = [b"\xff\xd8"]
    position = 2
    while match := _JPEG_MARKER.match(data, position):
        marker = match[1][0]
        if marker == 0xD9:  # end of image: what follows is not picture
            return b"".join([*kept, b"\xff\xd9"])
        start = match.end()
        end = start + int.from_bytes(data[start : start + 2], "big")
        if end > len(data) or end < start + 2:
            return None
        is_application = 0xE0 <= marker <= 0xEF
        prefix = _JPEG_KEPT_APP.get(marker)
        if not (is_application and not (prefix and data[start + 2 : end].startswith(prefix))) and marker != 0xFE:
            kept.append(b"\xff" + data[match.end() - 1 : end])
        position = end
        if marker == 0xDA:  # a scan: compressed data up to the next marker
            following = _JPEG_MARKER.search(data, end)
            if following is None:
                return None
            kept.append(data[end : following.start()])
            position = following.start()
    return None


def strip_png(data: bytes) -> bytes | None:
    if not data.startswith(_PNG_SIGNATURE):
        return None
    kept = [_PNG_SIGNATURE]
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            return None
        if kind in _PNG_KEPT:
            kept.append(data[position:end])
        if kind == b"IEND":
            return b"".join(kept)
        position = end
    return None


def strip_webp(data: bytes) -> bytes | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    end_of_file = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    chunks: list[bytes] = []
    position = 12
    while position + 8 <= end_of_file:
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > end_of_file:
            return None
        body = data[position + 8 : end]
        if kind == b"VP8X":
            if not body or body[0] & _WEBP_ANIMATION:
                return None
            body = bytes([body[0] & _WEBP_ALPHA]) + body[1:]
        if kind in _WEBP_KEPT or kind == b"VP8X":
            chunks.append(kind + struct.pack("<I", length) + body + b"\x00" * (length % 2))
        position = end + length % 2
    if not any(chunk[:4] in (b"VP8 ", b"VP8L") for chunk in chunks):
        return None
    content = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


STRIPPERS: dict[str, Callable[[bytes], bytes | None]] = {"JPEG": strip_jpeg, "PNG": strip_png, "WEBP": strip_webp}
