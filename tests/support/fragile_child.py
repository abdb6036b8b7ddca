"""The parsing child, ended or held up by what a mail says: Python itself never is, by any mail that we know."""

from __future__ import annotations

import os
import time

from kith.connectors import child
from kith.connectors.contract import RawItem
from kith.connectors.email.parsing import Parsing

plain = Parsing.parse


def parse(self: Parsing, item: RawItem) -> object:
    if b"X-Fragile: dies" in item.body:
        os._exit(3)
    if b"X-Fragile: hangs" in item.body:
        time.sleep(3600)
    if b"X-Fragile: counts" in item.body:
        while True:
            pass
    return plain(self, item)


if __name__ == "__main__":
    Parsing.parse = parse  # type: ignore[method-assign,assignment]
    child.main()
