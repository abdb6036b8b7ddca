"""Items of a feed whose pages are gone: asked politely, and only what is the site's own."""

from __future__ import annotations

from collections import Counter

import pytest

from kith.connectors.conformance import Answer, Asked, Fault, serving
from kith.connectors.conformance.base import loopback_guard, loopback_http
from kith.connectors.contract import OwnIdentity, RetryLater, Setup
from kith.connectors.feeds.connector import Connector


def connector(url: str, realm: str = "") -> Connector:
    own = OwnIdentity(external_id=url, handle=url, realm=realm)
    return Connector(
        Setup(settings={"url": url}, secrets={}, http=loopback_http(), guard=loopback_guard, own=own)
    )


def test_a_page_of_many_items_is_asked_for_once_and_its_words_are_not_fetched() -> None:
    def respond(asked: Asked) -> Answer:
        return Answer(b"", 404 if asked.path == "/robots.txt" else 200)

    with serving(respond) as server:
        urls = {f"c{n}": f"{server.address}/post#comment-{n}" for n in range(9)} | {
            "post": f"{server.address}/post"
        }
        found = connector(f"{server.address}/feed").existence(list(urls), urls=urls).found
        assert found == {"post": "there"}
        assert Counter((asked.method, asked.path) for asked in server.asked) == {
            ("GET", "/robots.txt"): 1,
            ("HEAD", "/post"): 1,
        }


def test_a_site_that_answers_head_wrongly_is_asked_again() -> None:
    def respond(asked: Asked) -> Answer:
        return Answer(b"words", 200 if asked.method == "GET" else 404)

    with serving(respond) as server:
        urls = {"post": f"{server.address}/post"}
        assert connector(server.address).existence(["post"], urls=urls).found == {"post": "there"}


@pytest.mark.parametrize(
    ("robots", "asked_for"),
    [
        (Answer(b"User-agent: *\nDisallow: /\n"), 0),
        (Answer(b"User-agent: Kith\nDisallow: /\n\nUser-agent: *\nAllow: /\n"), 0),
        (Answer(b"User-agent: Other\nDisallow: /\n"), 3),
        (Answer(b"User-agent: *\nCrawl-delay: 10\n"), 1),
        (Answer(b"", 404), 3),
        (Answer(b"", 503), 0),
        (Answer(b"", 403), 0),
    ],
)
def test_robots_are_told_where_they_may_go(robots: Answer, asked_for: int) -> None:
    def respond(asked: Asked) -> Answer:
        return robots if asked.path == "/robots.txt" else Answer(b"", 410)

    with serving(respond) as server:
        urls = {f"p{n}": f"{server.address}/{n}" for n in range(3)}
        found = connector(server.address).existence(list(urls), urls=urls).found
        assert found == {f"p{n}": "gone" for n in range(asked_for)}


def test_one_page_in_trouble_holds_up_no_other_and_a_site_that_is_down_is_left_alone() -> None:
    def respond(asked: Asked) -> Answer | Fault:
        return "server_error" if asked.path == "/1" or down else Answer(b"", 404)

    with serving(respond) as server:
        urls = {f"p{n}": f"{server.address}/{n}" for n in range(8)}
        down = False
        found = connector(server.address).existence(list(urls), urls=urls).found
        assert found == {key: "missing" for key in urls if key != "p1"}
        made = connector(server.address)
        made.existence(["p2"], urls=urls)  # robots.txt is known
        down = True
        before = len(server.asked)
        assert made.existence(["p3"], urls=urls).found == {}
        assert len(server.asked) == before + 2
        down = False
        made = connector(server.address)
        made._pages._robots[server.address] = made._pages._rules(loopback_http()(), server.address)
        down = True
        with pytest.raises(RetryLater):
            made.existence(list(urls), urls=urls)


def test_a_page_elsewhere_is_no_items_own() -> None:
    """A list of links: what it links to may go, and the item stays."""
    urls = {
        "link": "https://news.example/1",
        "own": "https://www.blog.example/2",
        "odd": "javascript:alert(1)",
    }
    made = connector("https://feeds.blog.example/all", realm="blog.example")
    pages = made._pages
    assert [pages._own(url) for url in urls.values()] == [False, True, False]
    assert not pages._own("https://notblog.example/1")
    assert not pages._own("")


@pytest.mark.parametrize(
    "robots", [b"User-agent: *\nDisallow: //[\n", "User-agent: *\nCrawl-delay: ²\n".encode()]
)
def test_rules_that_python_can_not_read_are_taken_as_a_no(robots: bytes) -> None:
    with serving(lambda asked: Answer(robots if asked.path == "/robots.txt" else b"", 200)) as server:
        urls = {"p": f"{server.address}/p", "odd": server.address.replace("//", "//a%5B@") + "/p"}
        assert connector(server.address).existence(list(urls), urls=urls).found.get("p") in (None, "there")
