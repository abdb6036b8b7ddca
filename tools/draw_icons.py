"""Draws the icons of the installed app from `frontend/public/kith.svg`'s own shapes; run it when the mark changes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

PUBLIC = Path(__file__).parents[1] / "frontend" / "public"
BLUE, WHITE = (44, 90, 160, 255), (255, 255, 255, 255)
FINE = 4  # drawn larger, then made smaller: smooth edges


def _mark(draw: ImageDraw.ImageDraw, *, unit: float, left: float, colour: tuple[int, ...]) -> None:
    """The k of the mark in a square of 32 units, lines 3.2 wide with round ends."""

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * unit, left + y * unit

    wide = 3.2 * unit
    for line in (((11, 7), (11, 25)), ((21.5, 12.5), (11.5, 19), (21.5, 25))):
        points = [at(*point) for point in line]
        draw.line(points, fill=colour, width=round(wide), joint="curve")
        for x, y in points:
            draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=colour)


def icon(size: int, *, maskable: bool = False, badge: bool = False) -> Image.Image:
    """Maskable ones are cut by the device to any shape: full ground, the mark within the inner four fifths."""
    full = size * FINE
    image = Image.new("RGBA", (full, full), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if maskable:
        draw.rectangle((0, 0, full, full), fill=BLUE)
    elif not badge:
        draw.rounded_rectangle((0, 0, full - 1, full - 1), radius=full / 4, fill=BLUE)
    inner = 0.72 if maskable else 1.25 if badge else 1.0
    _mark(draw, unit=full * inner / 32, left=full * (1 - inner) / 2, colour=WHITE)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    for name, image in {
        "kith-192.png": icon(192),
        "kith-512.png": icon(512),
        "kith-180.png": icon(180, maskable=True),
        "kith-maskable-512.png": icon(512, maskable=True),
        "kith-badge.png": icon(96, badge=True),
    }.items():
        image.save(PUBLIC / name, optimize=True)


if __name__ == "__main__":
    main()
