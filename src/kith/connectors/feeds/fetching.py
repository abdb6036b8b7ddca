"""Getting a feed's bytes: conditional, capped, redirects followed by hand so that a permanent one is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from kith.base.http import AddressRefused, BodyTooLarge, read_capped
from kith.connectors.answers import retry_after
from kith.connectors.contract import BadPayload, HttpFactory, ReconnectNeeded, Refused, RetryLater
from kith.connectors.feeds.document import MAX_BYTES
from kith.connectors.words import say

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, application/json;q=0.8,"
    " text/html;q=0.7, */*;q=0.5"
)
MAX_HOPS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """`url` is where the bytes came from; `lasting_url` where to ask next time. `body` is None for "not modified"."""

    url: str
    lasting_url: str
    body: bytes | None
    content_type: str = ""
    etag: str = ""
    modified: str = ""
    hub: str = ""
    self_url: str = ""


def get(http: HttpFactory, url: str, *, etag: str = "", modified: str = "") -> Answer:
    """One conditional GET; raises a named error in the place of every other outcome."""
    headers = {"Accept": ACCEPT}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    lasting, permanent = url, True
    try:
        with http() as client:
            for _hop in range(MAX_HOPS + 1):
                if urlsplit(url).scheme not in ("http", "https"):
                    raise Refused(say("{url} is not a web address.", url=url), field="url")
                with client.stream("GET", url, headers=headers) as response:
                    if response.is_redirect and response.headers.get("location"):
                        permanent = permanent and response.status_code in (301, 308)
                        url = urljoin(url, response.headers["location"])
                        lasting = url if permanent else lasting
                        continue
                    return _answer(response, url, lasting)
    except httpx.InvalidURL as error:
        raise Refused(
            say("{url} is not an address: {error}", url=repr(url), error=error), field="url"
        ) from error
    except ValueError as error:
        raise Refused(say("{url} is not an address.", url=repr(url)), field="url") from error
    except BodyTooLarge as error:
        raise BadPayload(say("The feed is longer than {size} MB.", size=MAX_BYTES // 1024 // 1024)) from error
    except AddressRefused as error:
        raise Refused(str(error), field="url") from error
    except httpx.TimeoutException as error:
        raise RetryLater(say("{url} did not answer in time.", url=url), field="url") from error
    except httpx.HTTPError as error:
        raise RetryLater(say("{url} can't be reached: {error}", url=url, error=error), field="url") from error
    raise Refused(say("{url} sends its reader round in circles.", url=url), field="url")


def _answer(response: httpx.Response, url: str, lasting: str) -> Answer:
    status = response.status_code
    if status == 304:
        return Answer(url, lasting, None)
    if status == 200:
        links = response.links
        return Answer(
            url,
            lasting,
            read_capped(response, MAX_BYTES),
            response.headers.get("content-type", ""),
            response.headers.get("etag", "")[:500],
            response.headers.get("last-modified", "")[:100],
            urljoin(url, links.get("hub", {}).get("url", "")) if "hub" in links else "",
            urljoin(url, links.get("self", {}).get("url", "")) if "self" in links else "",
        )
    if status == 410:
        raise Refused(say("The feed is gone for good; its site says so."), field="url")
    if status in (401, 407):
        raise ReconnectNeeded(say("The feed asks for a password."), field="url")
    if status in (403, 451):
        raise Refused(say("The site refuses to hand out this feed ({status}).", status=status), field="url")
    if status == 404:
        raise RetryLater(say("There is no feed at this address (404)."), after=3600.0, field="url")
    after = retry_after(response.headers, default=900.0 if status == 429 else 300.0)
    raise RetryLater(say("The site answers {status}.", status=status), after=after, field="url")
