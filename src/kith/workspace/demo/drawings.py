"""Faces and pictures of the demo company, drawn here so that nobody's face and nobody's photo is used."""

from __future__ import annotations

import io
from collections.abc import Callable
from math import cos, pi, sin
from random import Random

from PIL import Image, ImageDraw

FINE = 3  # drawn larger, then made smaller: smooth edges
FACE = 128
SKIN = ("#f3d3bd", "#e8b996", "#cf9a72", "#a9744f", "#7c5238", "#5b3a29")
HAIR = ("#2a211d", "#4b3325", "#7a4f2c", "#b5803f", "#d9c08c", "#9a9a9c", "#8c3b2a", "#e6e4e0")
CLOTH = ("#2c5aa0", "#3e7d5a", "#b3532b", "#6b4a86", "#c08a2e", "#46627a", "#8d3f57", "#5c6b3c")
GROUND = ("#dfe7ef", "#e4ecdf", "#f2e3d3", "#e9e0ee", "#efe9d2", "#dde9e8")


def _png(image: Image.Image, width: int, height: int) -> bytes:
    out = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).convert(
        "P", palette=Image.Palette.ADAPTIVE, colors=96
    ).save(out, "PNG", optimize=True)
    return out.getvalue()


def face(seed: str, *, beard: bool = False) -> bytes:
    """A small portrait, a PNG; the same words give the same one."""
    dice, unit = Random(seed), FACE * FINE / 100  # noqa: S311  (the same demo every time)
    image = Image.new("RGB", (FACE * FINE, FACE * FINE), dice.choice(GROUND))
    draw = ImageDraw.Draw(image)

    def oval(x: float, y: float, wide: float, high: float, colour: str) -> None:
        draw.ellipse(
            ((x - wide) * unit, (y - high) * unit, (x + wide) * unit, (y + high) * unit), fill=colour
        )

    skin, hair, cloth = dice.choice(SKIN), dice.choice(HAIR), dice.choice(CLOTH)
    style = dice.choice(
        ("short", "bald", "curls", "cap") if beard else ("short", "long", "bun", "curls", "cap")
    )
    if style == "long":
        draw.rounded_rectangle((26 * unit, 24 * unit, 74 * unit, 82 * unit), radius=22 * unit, fill=hair)
    if style == "bun":
        oval(50, 14, 10, 9, hair)
    if style == "curls":
        for x, y in ((29, 36), (33, 25), (43, 18), (55, 17), (66, 24), (71, 36)):
            oval(x, y, 11, 11, hair)
    oval(50, 104, 36, 30, cloth)
    draw.rounded_rectangle((43 * unit, 58 * unit, 57 * unit, 78 * unit), radius=6 * unit, fill=skin)
    if style in ("short", "bun"):
        oval(50, 36, 24, 22, hair)
    oval(50, 46, 20, 24, skin)
    if style in ("short", "bun", "long"):
        draw.pieslice((29 * unit, 19 * unit, 71 * unit, 58 * unit), 180 + dice.randrange(14), 360, fill=hair)
    if style == "cap":
        draw.pieslice((28 * unit, 18 * unit, 72 * unit, 62 * unit), 180, 360, fill=cloth)
        draw.rounded_rectangle((50 * unit, 38 * unit, 79 * unit, 43 * unit), radius=2 * unit, fill=cloth)
    for x in (42, 58):
        oval(x, 48, 2.1, 2.5, "#26222b")
    if dice.random() < 0.3:
        for x in (42, 58):
            box = ((x - 7) * unit, 42 * unit, (x + 7) * unit, 54 * unit)
            draw.ellipse(box, outline="#3a3a44", width=round(1.4 * unit))
        draw.line((49 * unit, 47 * unit, 51 * unit, 47 * unit), fill="#3a3a44", width=round(1.4 * unit))
    if beard and (style == "bald" or dice.random() < 0.5):
        draw.chord((33 * unit, 44 * unit, 67 * unit, 72 * unit), 20, 160, fill=hair)
    draw.arc((43 * unit, 52 * unit, 57 * unit, 62 * unit), 25, 155, fill="#7c3b34", width=round(1.6 * unit))
    return _png(image, FACE, FACE)


Pen = tuple[ImageDraw.ImageDraw, Callable[[float, float], tuple[float, float]], float]


def _canvas(ground: str) -> tuple[Image.Image, Pen]:
    """A sheet of 100 x 75 units."""
    unit = 6.4 * FINE
    image = Image.new("RGB", (round(100 * unit), round(75 * unit)), ground)
    return image, (ImageDraw.Draw(image), lambda x, y: (x * unit, y * unit), unit)


def _ring(pen: Pen, x: float, y: float, radius: float, colour: str, wide: float) -> None:
    draw, at, unit = pen
    draw.ellipse(
        (*at(x - radius, y - radius), *at(x + radius, y + radius)), outline=colour, width=round(wide * unit)
    )


def _line(pen: Pen, points: list[tuple[float, float]], colour: str, wide: float) -> None:
    draw, at, unit = pen
    draw.line([at(*point) for point in points], fill=colour, width=round(wide * unit), joint="curve")
    for x, y in points:
        draw.ellipse((*at(x - wide / 2, y - wide / 2), *at(x + wide / 2, y + wide / 2)), fill=colour)


def _bicycle(frame: str, ground: str, *, small: bool = False) -> Image.Image:
    image, pen = _canvas(ground)
    draw, at, _unit = pen
    draw.rectangle((*at(0, 62), *at(100, 75)), fill="#cfc9bd")
    radius = 12 if small else 15
    floor = 62 - radius
    for x in (26, 74):
        _ring(pen, x, floor, radius, "#2b2d33", 1.6)
        _ring(pen, x, floor, radius - 2, "#9aa0a8", 0.4)
        for dx, dy in ((1, 0), (0, 1), (0.7, 0.7), (0.7, -0.7)):
            reach = radius - 2
            _line(
                pen,
                [(x - dx * reach, floor - dy * reach), (x + dx * reach, floor + dy * reach)],
                "#a9aeb6",
                0.25,
            )
    top = floor - 22
    _line(pen, [(26, floor), (46, floor), (40, top + 3), (26, floor)], frame, 1.9)
    _line(pen, [(46, floor), (66, top + 3), (40, top + 5)], frame, 1.9)
    _line(pen, [(74, floor), (66, top + 3), (64, top - 4)], frame, 1.7)
    _line(pen, [(40, top + 3), (38, top - 3)], "#2b2d33", 1.3)
    _line(pen, [(33, top - 4), (43, top - 4)], "#3b2a20", 2.6)
    _line(pen, [(64, top - 4), (58, top - 6)], "#2b2d33", 1.4)
    _ring(pen, 46, floor, 3.4, "#3a3d44", 1.1)
    return image


def _hub() -> Image.Image:
    image, pen = _canvas("#b9b3a6")
    for n in range(12):
        x, y = cos(n * pi / 6), sin(n * pi / 6)
        _line(pen, [(50 + 14 * x, 37 + 14 * y), (50 + 60 * x, 37 + 60 * y)], "#e6e6e4", 0.6)
    draw, at, _unit = pen
    for radius, colour in ((17, "#4a4d54"), (13, "#8d9198"), (8, "#5d6067"), (3, "#23252a")):
        draw.ellipse((*at(50 - radius, 37 - radius), *at(50 + radius, 37 + radius)), fill=colour)
    _line(pen, [(58, 28), (63, 24), (61, 20)], "#9c2f22", 0.9)
    return image


def _crack() -> Image.Image:
    image, pen = _canvas("#d8d4cb")
    draw, at, _unit = pen
    draw.rectangle((*at(43, 0), *at(57, 75)), fill="#2f3137")
    draw.rectangle((*at(45, 0), *at(47, 75)), fill="#585b63")
    draw.rounded_rectangle((*at(37, 46), *at(63, 58)), radius=20, fill="#777b83")
    _line(pen, [(43, 38), (47, 36.5), (50, 39), (53, 36), (57, 38)], "#f1efe9", 0.7)
    _ring(pen, 50, 37.5, 11, "#c63b27", 0.9)
    return image


PICTURES: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "orange": ("A bicycle painted orange, against a garden wall", lambda: _bicycle("#e0661d", "#dfe6ea")),
    "green": ("A small green bicycle for a child", lambda: _bicycle("#3f8f58", "#f0e6d6", small=True)),
    "cargo": ("A blue bicycle in front of a depot", lambda: _bicycle("#2c5aa0", "#e6e1d8")),
    "hub": ("A gear hub, with a red mark where it slips", _hub),
    "crack": ("A seat post with a crack above the clamp, ringed in red", _crack),
}


def picture(name: str) -> tuple[bytes, str]:
    """A picture as a PNG of 640 x 480 and what it shows, in words. KeyError for one that is not drawn."""
    says, draws = PICTURES[name]
    return _png(draws(), 640, 480), says
