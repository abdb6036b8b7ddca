"""Pictures of strangers, drawn anew: what reaches a browser was written by us, small enough, and holds nothing else."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
LARGEST = 1600  # pixels of the longer side that is shown
MOST_PIXELS = 16_000_000  # 64 MB when unpacked
MOST_PIXELS_JPEG = 100_000_000  # is read at a fraction of its size
MOST_BYTES = 30 * 1024 * 1024
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    KeyError,
    IndexError,
    struct.error,
    OverflowError,
    MemoryError,
)


def redrawn(source: bytes | Path, *, largest: int = LARGEST) -> tuple[bytes, str] | None:
    """A picture's (bytes, content type) without metadata, its first frame if it moves; None for what is no picture, is
    broken, or would unpack to more than we take. Who claims what of it does not count."""
    try:
        if isinstance(source, Path):
            if source.stat().st_size > MOST_BYTES:
                return None
            source = source.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(source[: MOST_BYTES + 1]), formats=FORMATS) as image:
                most = MOST_PIXELS_JPEG if image.format == "JPEG" else MOST_PIXELS
                if image.width * image.height > most:
                    return None
                image.draft("RGB", (largest, largest))
                image.thumbnail((largest, largest))
                return _written(ImageOps.exif_transpose(image) or image)
    except (*_BROKEN, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _written(image: Image.Image) -> tuple[bytes, str]:
    out = io.BytesIO()
    if image.has_transparency_data:
        image.convert("RGBA").save(out, "PNG")
        return out.getvalue(), "image/png"
    image.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue(), "image/jpeg"
