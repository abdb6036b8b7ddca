"""Live events (server-sent): one small ASGI application, a process of its own beside the pages.

`/live/events` is for colleagues' screens: who asks is known by the session's cookie, and hears of what they may see.
Data is JSON: `{"kind": "inbox", "ids": [conversation ids]}`, `{"kind": "presence", "ids": [...]}`,
`{"kind": "notification"}`, and `{"kind": "*"}` when something may have been missed and everything is to be asked again.

`/live/chat/<channel account>` is for visitors' chat windows (header X-Kith-Visitor): `{"kind": "messages"}`.
"""

from kith.web.live.application import application

__all__ = ["application"]
