"""Text, facets, keys and pictures, without a network."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime

import pytest
import regex
from atproto import client_utils
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kith.base import graphemes, ids
from kith.connectors.bluesky import pictures, richtext, sending
from kith.connectors.bluesky.connector import Connector
from kith.connectors.contract import Media, Outgoing, Party, Refused

SAMPLES = (
    "plain",
    "e\u0301a\u0308o\u0302",
    "👩‍🔧👨‍👩‍👧‍👦🏳️‍🌈🧑🏽‍🚒",
    "🇩🇪🇦🇹🇨🇭🇪",
    "1️⃣#️⃣©️™️❤️‍🔥",
    "한국어 각 ᄀ",
    "ภาษาไทย กำ",
    "हिन्दी",
    "\r\n\n\r",
    "a\u200db\u200d👍",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "ﾊﾞ",
    "שָׁלוֹם عَرَبِيّ",
)


@pytest.mark.parametrize("text", SAMPLES)
def test_graphemes_of_samples(text: str) -> None:
    exact = len(regex.findall(r"\X", text))
    assert graphemes.count(text) - exact in ((0, 1) if "ह" in text else (0,))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab \n👍👩‍🔧🏽🇩🇪é\u0301\ufe0f한각ᄀ1#©"), max_size=30))
def test_graphemes_of_mixtures(text: str) -> None:
    assert graphemes.count(text) == len(regex.findall(r"\X", text))


def test_facets_are_those_of_the_networks_own_library() -> None:
    built = (
        client_utils.TextBuilder()
        .text("🚲 hi ")
        .mention("@ann.example", "did:plc:ann")
        .text(", see ")
        .link("https://shop.example/ä?b=(c)", "https://shop.example/ä?b=(c)")
        .text(" (")
        .link("http://x.example/y", "http://x.example/y")
        .text(") ")
        .tag("#Größe", "Größe")
        .text("! @nobody.example #1 mail@shop.example")
    )
    text = built.build_text()
    known = {"ann.example": "did:plc:ann"}
    found = richtext.facets(text, lambda handle: known.get(handle, ""))
    expected = [facet.model_dump(by_alias=True, exclude_none=True) for facet in built.build_facets()]
    for facet in expected:
        facet.pop("$type", None)
        facet["index"].pop("$type", None)
    assert found == expected


def test_links_are_written_out() -> None:
    text = "🚲 shop.example/a/b... or here"
    raw = text.encode()

    def facet(part: str, uri: str) -> dict[str, object]:
        start = raw.index(part.encode())
        feature = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
        return {"index": {"byteStart": start, "byteEnd": start + len(part.encode())}, "features": [feature]}

    facets = [
        facet("here", "https://evil.example/"),
        facet("shop.example/a/b...", "https://shop.example/a/b/c"),
    ]
    read = richtext.read({"text": text, "facets": facets})
    assert read == "🚲 https://shop.example/a/b/c or here (https://evil.example/)"
    broken = [
        {"index": {"byteStart": -1, "byteEnd": 2}},
        {"index": {"byteStart": 1, "byteEnd": 999}, "features": [{"uri": "x"}]},
        7,
    ]
    assert richtext.read({"text": text, "facets": broken}) == text


def test_record_keys() -> None:
    key = ids.new_id()
    made = sending.record_key(str(key))
    assert made == sending.record_key(str(key))
    assert len(made) == 13
    assert made[0] in "234567abcdefghij"
    number = 0
    for letter in made:
        number = number << 5 | "234567abcdefghijklmnopqrstuvwxyz".index(letter)
    at = datetime.fromtimestamp((number >> 10) / 1e6, tz=UTC)
    assert abs((at - ids.time_of(key)).total_seconds()) < 0.01
    many = {sending.record_key(f"key {n}") for n in range(20_000)} | {
        sending.record_key(str(uuid.uuid4())) for _ in range(20_000)
    }
    assert len(many) == 40_000
    now = sending.record_key(str(ids.new_id()))
    assert all(other < now for other in many), "a key of the future"


def test_what_a_post_holds() -> None:
    limits = Connector.manifest.limits
    family = "👨‍👩‍👧‍👦"
    assert sending.compose_text(Outgoing("k", family * 100, to=()), limits) == family * 100
    with pytest.raises(Refused, match="301 characters"):
        sending.compose_text(Outgoing("k", "x" * 301, to=()), limits)
    with pytest.raises(Refused, match="bytes"):
        sending.compose_text(Outgoing("k", family * 300, to=()), limits)
    with pytest.raises(Refused, match="four pictures"):
        sending.compose_text(Outgoing("k", "x", to=(), media=(Media("a", "image/png"),) * 5), limits)
    with pytest.raises(Refused, match="nothing"):
        sending.compose_text(Outgoing("k", "  ", to=()), limits)
    to = (Party("did:plc:ann", handle="@ann.example", role="to"),)
    assert sending.compose_text(Outgoing("k", "hi", to=to), limits) == "@ann.example hi"
    assert sending.compose_text(Outgoing("k", "hi @Ann.example", to=to), limits) == "hi @Ann.example"
    assert sending.compose_text(Outgoing("k", "hi", to=to, in_reply_to="at://x/y/z"), limits) == "hi"


def _encoded(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def test_pictures_are_made_small_and_forget_their_place() -> None:
    small = _encoded(Image.new("RGB", (30, 20)), "PNG")
    assert pictures.prepare(Media("a.png", "image/png", content=small)) == (small, "image/png", (30, 20))
    large = _encoded(Image.effect_noise((1800, 1300), 90).convert("RGBA"), "PNG")
    assert len(large) > pictures.MAX_BYTES
    content, kind, size = pictures.prepare(Media("b.png", "image/png", content=large))
    assert len(content) <= pictures.MAX_BYTES
    assert kind == "image/jpeg"
    assert abs(size[0] / size[1] - 1800 / 1300) < 0.01
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (48.0, 12.0, 0.0)}
    exif[0x0112] = 6
    turned = _encoded(Image.new("RGB", (30, 20)), "JPEG", exif=exif)
    content, _, size = pictures.prepare(Media("c.jpg", "image/jpeg", content=turned))
    assert size == (20, 30)
    assert not Image.open(io.BytesIO(content)).getexif()
    for media in (
        Media("d.pdf", "application/pdf", content=b"%PDF"),
        Media("e.png", "image/png", content=b"not a picture"),
        Media("f.png", "image/png"),
        Media("g.png", "image/png", path="/nonexistent/g.png"),
    ):
        with pytest.raises(Refused, match=media.file_name):
            pictures.prepare(media)
