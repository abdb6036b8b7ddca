"""Pictures on their way out: small enough for the network, and without the place where they were taken."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from kith.connectors.contract import Media, Refused
from kith.connectors.words import say

MAX_BYTES = 1_000_000
_SIDES = (2000, 1600, 1200, 800)
_QUALITIES = (90, 80, 65)
_KEPT = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


def prepare(media: Media) -> tuple[bytes, str, tuple[int, int]]:
    """(bytes, type, (width, height)) to upload; raises Refused for what is no picture or can't be made small enough."""
    name = media.file_name or "the file"
    if not media.content_type.startswith("image/"):
        raise Refused(say("{name} is no picture; this network takes nothing else.", name=name))
    content = media.content if media.content is not None else _from_disk(media)
    try:
        with Image.open(io.BytesIO(content)) as opened:
            kind = _KEPT.get(opened.format or "", "")
            if kind and len(content) <= MAX_BYTES and not opened.getexif():
                return content, kind, opened.size
            upright = ImageOps.exif_transpose(opened)
            return _smaller(upright, name)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise Refused(say("{name} can't be read as a picture.", name=name)) from error


def _from_disk(media: Media) -> bytes:
    if not media.path:
        raise Refused(say("{file_name} has no content.", file_name=media.file_name or "The file"))
    try:
        return Path(media.path).read_bytes()
    except OSError as error:
        raise Refused(
            say("{file_name} is no longer there.", file_name=media.file_name or "The file")
        ) from error


def _smaller(picture: Image.Image, name: str) -> tuple[bytes, str, tuple[int, int]]:
    plain = Image.new("RGB", picture.size, "white")
    layer = picture.convert("RGBA")
    plain.paste(layer, mask=layer.getchannel("A"))
    for side in _SIDES:
        scaled = plain.copy()
        scaled.thumbnail((side, side))
        for quality in _QUALITIES:
            out = io.BytesIO()
            scaled.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= MAX_BYTES:
                return out.getvalue(), "image/jpeg", scaled.size
    raise Refused(say("{name} is larger than 1 MB, however it is scaled.", name=name))
