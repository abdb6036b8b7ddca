"""What is said in public around the demo company, and its searches: posts come in as the simulated network brings them."""

from __future__ import annotations

import tomllib
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kith.channels.simulator import Said, say_in_public
from kith.listening.models import Mention
from kith.listening.services.inbox import inbox_take
from kith.listening.services.lookback import monitor_look_back
from kith.listening.services.mentions import posts_match
from kith.listening.services.monitors import monitor_make
from kith.teams.selectors import viewer_of
from kith.workspace.demo.house import House

PLAN = Path(__file__).parent / "listening.toml"
DEALT_WITH = timedelta(days=5)  # what is older was looked at by somebody


def listening(house: House, today: datetime) -> None:
    plan: dict[str, Any] = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    monitors = []
    for one in plan["monitor"]:
        user = house.users[one["by"]]
        audience = one.get("audience", "everyone")
        team = house.teams.get(audience)
        monitors.append(
            monitor_make(
                viewer=viewer_of(user),
                name=one["name"],
                query=one["query"],
                audience=str(team.pk) if team else audience,
            )
        )
    by_channel: dict[str, list[Said]] = {}
    for number, post in enumerate(plan["post"]):
        ago = timedelta(minutes=post.get("minutes", 0), days=post.get("days", 0), seconds=number * 7)
        by_channel.setdefault(post["on"], []).append(
            Said(
                sender_id=f"talk:{post['handle']}",
                sender_name=post["who"],
                handle=post["handle"],
                text=post["text"],
                at=today - ago,
                external_id=f"talk-{number}",
                language=post.get("language", "en"),
                place=post.get("place", ""),
            )
        )
    ids: list[uuid.UUID] = []
    for channel, posts in by_channel.items():
        ids += say_in_public(house.accounts[channel], posts)
    posts_match(ids)
    inbox_take()
    for monitor in monitors:
        monitor_look_back(monitor.pk, monitor.version)
    Mention.objects.filter(published_at__lt=today - DEALT_WITH).update(
        state=Mention.State.DONE, decided_at=today, decided_by=house.users["mara"]
    )
