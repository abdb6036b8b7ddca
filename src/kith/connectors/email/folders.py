"""The folders of a mailbox, and how far each was read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from imapclient import IMAPClient
from imapclient.imapclient import JUNK, SENT

_SENT_NAMES = re.compile(
    r"(?i)(?:.*[./])?(?:sent(?: items| messages| mail)?|gesendet\w*(?: \w+)?|postausgang|envoyés?|messages envoyés|éléments envoyés|"
    r"enviad[oa]s|elementos enviados|(?:posta )?inviat[ai]|verzonden(?: items)?|skickat?e?|sendt(?:e)?|wysłane|отправленные|"
    r"odeslan[áé]|elküldött|gönderilmiş|已发送(?:邮件)?|已傳送|送信済み\w*|보낸 ?(?:편지함|메일함))\Z"
)
_JUNK_NAMES = re.compile(
    r"(?i)(?:.*[./])?(?:junk(?: e-?mail)?|spam|bulk mail|unerwünscht|indésirables|correo no deseado)\Z"
)


@dataclass(slots=True)
class Folder:
    name: str
    is_sent: bool = False
    is_junk: bool = False
    no_select: bool = False


@dataclass(slots=True)
class Position:
    """How far a folder was read: everything below `next` under `validity`."""

    validity: int = 0
    next: int = 1


def list_folders(client: IMAPClient) -> list[Folder]:
    """All folders, with the one of sent mail and of junk recognised by flag, else by name (at most one of sent)."""
    found: list[Folder] = []
    flagged = False
    for flags, _, raw_name in client.list_folders():
        name = canonical(text_of(raw_name))
        is_sent = SENT in flags
        flagged = flagged or is_sent
        no_select = b"\\Noselect" in flags or b"\\NonExistent" in flags
        found.append(Folder(name, is_sent, JUNK in flags or bool(_JUNK_NAMES.match(name)), no_select))
    if not flagged:
        named = [folder for folder in found if _SENT_NAMES.match(folder.name) and not folder.no_select]
        for folder in sorted(named, key=lambda f: len(f.name))[:1]:
            folder.is_sent = True
    return found


def text_of(name: str | bytes) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def canonical(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name


def read_cursor(cursor: str) -> dict[str, Position]:
    """The positions by folder; a cursor that can't be read is none, and everything is read again."""
    try:
        data = json.loads(cursor)["folders"] if cursor else {}
        return {str(name): Position(int(one["v"]), int(one["n"])) for name, one in data.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_cursor(positions: dict[str, Position]) -> str:
    return json.dumps(
        {"folders": {name: {"v": one.validity, "n": one.next} for name, one in positions.items()}}
    )
