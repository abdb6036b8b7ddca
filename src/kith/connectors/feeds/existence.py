"""Whether the pages of a feed's items are still there: asked seldom, few at a time, and only where robots may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx

from kith.base.http import AddressRefused, BodyTooLarge, read_capped
from kith.connectors.answers import retry_after
from kith.connectors.contract import Asks, Existence, HttpFactory, Refused, RetryLater
from kith.connectors.feeds.events import realm_of
from kith.connectors.words import say

ASKS = Asks(days=30, at_once=20, an_hour=20)
AGENT = "Kith"
ROBOTS_BYTES = 512 * 1024
TROUBLES = (
    3  # pages that can't be had before anything else answered: the site is down, and is asked another time
)
GONE = {404: "missing", 410: "gone"}


class Pages:
    """The pages of one site and its subdomains; what lies elsewhere is not the item's own, and is not asked for."""

    def __init__(self, http: HttpFactory, realms: Sequence[str]) -> None:
        self._http = http
        self._realms = [realm for realm in realms if realm]
        self._robots: dict[str, RobotFileParser | None] = {}
        self._asked: dict[str, int] = {}  # by host, where robots are to wait between two pages
        self._answers = self._troubles = 0

    def existence(self, external_ids: Sequence[str], urls: Mapping[str, str]) -> dict[str, Existence]:
        """What is known, by external id. A part of a page ("#comment-3") is gone with its page; a page that is there says
        nothing of its parts. Raises RetryLater when the site is down or wants to be left alone."""
        pages: dict[str, int] = {}
        found: dict[str, Existence] = {}
        with self._http(follow_redirects=True) as client:
            for external_id in external_ids:
                page, part = urldefrag(urls.get(external_id, ""))
                if not self._own(page):
                    continue
                if page not in pages:
                    pages[page] = self._status(client, page) if self._may(client, page) else 0
                if pages[page] in GONE:
                    found[external_id] = "gone" if pages[page] == 410 else "missing"
                elif pages[page] == 200 and not part:
                    found[external_id] = "there"
        return found

    def _own(self, page: str) -> bool:
        try:
            if urlsplit(page).scheme not in ("http", "https"):
                return False
        except ValueError:
            return False
        host = realm_of(page)
        return any(
            host == realm or host.endswith(f".{realm}") or realm.endswith(f".{host}")
            for realm in self._realms
            if host
        )

    def _may(self, client: httpx.Client, page: str) -> bool:
        parts = urlsplit(page)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._robots:
            self._robots[site] = self._rules(client, site)
        rules = self._robots[site]
        try:
            if rules is None or not rules.can_fetch(AGENT, page):
                return False
        except ValueError:  # an address that Python can't take apart
            return False
        before = self._asked[site] = self._asked.get(site, 0) + 1
        return not rules.crawl_delay(AGENT) or before == 1

    def _rules(self, client: httpx.Client, site: str) -> RobotFileParser | None:
        """What robots.txt says; none allows everything, one that can't be had nothing (RFC 9309)."""
        rules = RobotFileParser()
        address = urljoin(site, "/robots.txt")
        try:
            with client.stream("GET", address) as response:
                if response.status_code == 200:
                    text = read_capped(response, ROBOTS_BYTES).decode("utf-8", "replace")
                    rules.parse([] if "<html" in text[:500].lower() else text.splitlines())
                    return rules
                self._wait(response)
                status = response.status_code
        except (BodyTooLarge, ValueError, httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError):
            return None
        except AddressRefused as error:
            raise Refused(str(error), field="url") from error
        except httpx.TimeoutException as error:
            raise RetryLater(say("{url} did not answer in time.", url=address), field="url") from error
        except httpx.HTTPError as error:
            words = say("{url} can't be reached: {error}", url=address, error=error)
            raise RetryLater(words, field="url") from error
        if status in (401, 403) or status >= 500:
            return None
        rules.parse([])
        return rules

    def _status(self, client: httpx.Client, page: str) -> int:
        """The page's status; 0: it could not be asked for. Some sites answer HEAD wrongly, so a bad one is asked with GET."""
        try:
            status = client.head(page).status_code
            if status != 200:
                with client.stream("GET", page) as response:  # its body is not read
                    self._wait(response)
                    status = response.status_code
        except httpx.InvalidURL:
            return 0
        except AddressRefused as error:
            raise Refused(str(error), field="url") from error
        except httpx.HTTPError as error:
            return self._trouble(say("{url} can't be reached: {error}", url=page, error=error))
        if status >= 500:
            return self._trouble(say("The site answers {status}.", status=status))
        self._answers += 1
        return status

    def _trouble(self, words: str) -> int:
        self._troubles += 1
        if self._troubles >= TROUBLES and not self._answers:
            raise RetryLater(words, field="url")
        return 0

    def _wait(self, response: httpx.Response) -> None:
        if response.status_code == 429:
            words = say("The site answers {status}.", status=429)
            raise RetryLater(words, after=retry_after(response.headers, default=900.0), field="url")
