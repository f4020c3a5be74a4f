"""Files that hostile or broken clients send: pictures and tables, each with a name; see `corpus` for the rest."""

import gzip
import io
import struct
import zlib

from PIL import Image

from tests.hostile.corpus import Bytes


def _encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (32, 32), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 90 if mode in ("L", "P", "1") else None).save(out, kind, **options)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


def pictures() -> Bytes:
    """Files that claim to be pictures: bombs, cut off, lying headers, other documents, scripts in disguise."""
    whole = {kind: _encoded(kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP")}
    yield "empty", b""
    for kind, data in whole.items():
        yield f"{kind} cut in half", data[: len(data) // 2]
        yield f"{kind} header alone", data[:16]
        yield f"{kind} without end", data[:-5]
        yield f"{kind} with noise", data[:40] + bytes(255 - each for each in data[40:])
        yield f"{kind} with script behind", data + b"<script>alert(1)</script><?php system($_GET[0]); ?>"
        yield f"{kind} with zip behind", data + b"PK\x03\x04" + b"\x00" * 64
    pixels = zlib.compress(b"\x00" * 1_000_000)
    yield "pixel bomb", _png(60_000, 60_000, _chunk(b"IDAT", pixels))
    yield "largest header", _png(2**31 - 1, 2**31 - 1, _chunk(b"IDAT", pixels))
    yield "no width", _png(0, 9, _chunk(b"IDAT", pixels))
    yield "no data", _png(9, 9)
    yield "more data than pixels", _png(2, 2, _chunk(b"IDAT", pixels))
    yield (
        "text bomb",
        _png(2, 2, _chunk(b"zTXt", b"x\x00\x00" + zlib.compress(b"a" * 80_000_000)), _chunk(b"IDAT", pixels)),
    )
    yield (
        "profile bomb",
        _png(2, 2, _chunk(b"iCCP", b"x\x00\x00" + zlib.compress(b"a" * 80_000_000)), _chunk(b"IDAT", pixels)),
    )
    yield "palette without palette", _png(9, 9, _chunk(b"IDAT", pixels), colour=3)
    yield "odd depth", _png(9, 9, _chunk(b"IDAT", pixels), depth=7)
    yield "wrong checksum", whole["PNG"][:-6] + b"\x00" * 6
    yield "endless chunk", whole["PNG"][:8] + struct.pack(">I", 2**31 - 1) + b"IHDR"
    yield (
        "GIF of many frames",
        _encoded("GIF", "P", save_all=True, append_images=[Image.new("P", (32, 32), n % 250) for n in range(200)]),
    )
    frames = [Image.new("RGB", (1500, 1500), (n, n, n)) for n in range(12)]
    large = {"size": (1500, 1500), "save_all": True, "append_images": frames}
    yield "WEBP of many large frames", _encoded("WEBP", **large)
    yield "PNG of many large frames", _encoded("PNG", **large)
    yield (
        "GIF bomb",
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
        + b"\x08\xff",
    )
    yield "BMP negative", whole["BMP"][:18] + struct.pack("<ii", -5, -5) + whole["BMP"][26:]
    yield "WEBP long chunk", b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 64
    yield "JPEG odd exif", _encoded("JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\xff" * 200)
    yield "JPEG odd profile", _encoded("JPEG", icc_profile=b"\xff" * 3000)
    yield "one pixel", _encoded("PNG", size=(1, 1))
    yield "a thin line", _encoded("PNG", size=(1, 20_000))
    yield "CMYK", _encoded("JPEG", "CMYK")
    yield "bits", _encoded("PNG", "1")
    yield "sixteen bits", _encoded("PNG", "I;16")
    yield "transparent", _encoded("PNG", "RGBA")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    for name, data in {
        "SVG": svg,
        "SVG with BOM": b"\xef\xbb\xbf" + svg,
        "HTML": b"<!doctype html><script>alert(1)</script>",
        "XML bomb": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
        "PDF": b"%PDF-1.7\n",
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "TIFF": _encoded("TIFF"),
        "PSD": b"8BPS\x00\x01" + b"\x00" * 40,
        "ICO": _encoded("ICO"),
        "PPM": b"P6 99999 99999 255\n",
        "zip": b"PK\x03\x04" + b"\x00" * 30,
        "gzip": gzip.compress(b"\x00" * 1_000_000),
        "ELF": b"\x7fELF" + b"\x00" * 60,
        "text": b"not a picture",
        "zeros": b"\x00" * 10_000,
        "noise": bytes(range(256)) * 40,
        "JPEG marker": b"\xff\xd8\xff",
        "MVG": b"push graphic-context\nimage over 0,0 0,0 'https://x.example/'",
        "FLIF": b"FLIF" + b"\xff" * 40,
        "JP2": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    }.items():
        yield name, data


def tables() -> Bytes:
    """Files of products: broken quotes, odd encodings, formulas, archives that swell, columns that clash."""
    head = "sku,title,price\n"
    for name, text in {
        "empty": "",
        "only a head": head,
        "no head": "A,B,9\n",
        "only commas": ",,,\n,,,\n",
        "open quote": head + 'T-1,"x',
        "quote in word": head + 'T-2,a"b,9\n',
        "nul": head + "T-3,a\x00b,9\n",
        "too few": head + "T-4\n",
        "too many": head + "T-5,x,9,9,9,9\n",
        "doubled column": "sku,sku,title\nT-6,T-7,x\n",
        "formula": head + "T-8,=cmd|'/c calc'!A0,9\n",
        "markup": head + "T-9,<script>alert(1)</script>,9\n",
        "long cell": head + "T-10," + "x" * 200_000 + ",9\n",
        "many columns": ",".join(f"c{n}" for n in range(3000)) + "\n",
        "price words": head + "T-11,x,many\nT-12,x,-5\nT-13,x,NaN\nT-14,x,1e999\n",
        "same twice": head + "T-15,x,1\nT-15,y,2\n",
        "line ends": head.replace("\n", "\r") + "T-16,x,9\r",
        "separator": "sku;title;price\nT-17;x;9,50\n",
        "private address": "sku,title,image\nT-18,x,http://127.0.0.1:22/\nT-19,x,http://169.254.169.254/latest/meta-data\n",
        "file address": "sku,title,image\nT-20,x,file:///etc/passwd\nT-21,x,../../../etc/passwd\nT-22,x,/etc/passwd\n",
        "odd schemes": "sku,title,image\nT-23,x,gopher://x/\nT-24,x,ftp://x/\nT-25,x,data:text/html;base64,PHg+\nT-26,x,javascript:1\n",
        "odd hosts": "sku,title,image\nT-27,x,http://0x7f000001/\nT-28,x,http://2130706433/\nT-29,x,http://[::ffff:127.0.0.1]/\nT-30,x,http://127.1/\n",
        "sku": "sku,title\n../../x,x\n,x\n" + "y" * 500 + ",x\n\u202e,x\n",
        "json": '[{"sku": "T-31"',
        "json rows": '{"sku": "T-32", "title": "x"}\nnot json\n',
        "category": "sku,title,category\nT-33,x," + " > ".join(["a"] * 300) + "\nT-34,x,>>>\n",
        "attributes": "sku,title,attr:__class__,attr:\nT-35,x,y,z\n",
        "ean": "sku,title,ean\nT-36,x,4006381333930\nT-37,x," + "9" * 300 + "\n",
        "head of spaces": " \t \nx\n",
        "tabs": "sku\ttitle\nT-38\tx\n",
        "surrogate escape": head + "T-39,\\ud800,9\n",
        "emoji": head + "T-40,🪑🪑,9\n",
        "translations": "sku,title,title_xx,title_\nT-41,x,y,z\n",
    }.items():
        yield name, text.encode("utf-8", "surrogatepass")
    table = (head + "T-42,x,9\n").encode()
    yield "utf-16", table.decode().encode("utf-16")
    yield "latin-1", (head + "T-43,caf\xe9,9\n").encode("latin-1")
    yield "not utf-8", table + b"T-44,\xff\xfe,9\n"
    yield "binary", bytes(range(256)) * 20
    yield "picture", _encoded("PNG")
    yield "spreadsheet", b"PK\x03\x04" + b"\x00" * 200
    yield "gzip cut off", gzip.compress(table * 1000)[:40]
    yield "gzip of gzip", gzip.compress(gzip.compress(table))
    yield "gzip bomb", gzip.compress(head.encode() + b"T-45," + b"x" * 60_000_000)
    yield "gzip and more", gzip.compress(table) + b"garbage"
