"""Where the quoted part of a mail's text begins, and where its signature does. One pass over the lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINES = 20_000
MAX_HEADER_LINES = 4

_VERBS = (
    r"wrote|writes|schrieb(?:en)?|hat\s+geschrieben|geschrieben|a\s+[ée]crit|[ée]crit|escribi[óo]|ha\s+scritto|scritto|"
    r"ha\s+escrito|schreef|heeft\s+geschreven|geschreven|escreveu|skrev|skrifaði|kirjoitti|napisa[łl](?:\(?a\)?)?|"
    r"pisze|napsala?|nap[íi]sala?|[íi]rta|a\s+scris|scrie|yazd[ıi]|şunu\s+yazdı|yazmış|написал\(?а?\)?|пишет|писал\(?а?\)?|"
    r"написав|написала|έγραψε|ha\s+escrit|a\s+escrit|napisao|je\s+napisal|rašė|kirjutas|rakstīja|đã\s+viết|menulis|"
    r"さんが書きました|のメール|书写道|写道|寫道|작성|כתב|כתבה|เขียน|كتب"
)
_WROTE = re.compile(rf"(?:\b|\s|日|\d)(?:{_VERBS})\b[^:：\n]{{0,120}}?[:：﹕]?\s*(?:<br>)?\s*\Z", re.I)
_WROTE_ENDS = re.compile(rf"(?:{_VERBS})\s*(?:[-:：]|:\s*-+|-{{2,}})?\s*\Z", re.I)
_VERB_ANYWHERE = re.compile(rf"(?:{_VERBS})", re.I)
# One of these stands in whatever ASCII the pattern above finds.
_ASCII_VERBS = ("wrote", "writes", "schrieb", "crit", "escribi", "schreef", "schreven", "escreveu", "skrev", "kirj", "napi",
                "pisze", "naps", "irta", "scri", "yazd", "menulis")  # fmt: skip
_ENDINGS = (":", "：", "﹕", "-", "<br>", "wrote", "schrieb", "écrit", "escribió", "scritto", "schreef", "napisał", "пишет",
            "写道", "寫道", "작성", "書きました")  # fmt: skip
_STARTS = re.compile(
    r"(?:[-*_\s]{0,8})(?:on|at|am|le|el|il|da|op|em|den|dne|dnia|w\s+dniu|il\s+giorno|em|på|tirsdag|ons|pe|ma|ti|ke|to|"
    r"la|su|в|во|於|于|在|pada|vào|στις|dana|a|\w{2,9}[.,]?\s+\d{1,2}|\d|<|\"|>|[A-ZÀ-Þ一-鿿А-Я])",
    re.I,
)
_DATE = re.compile(
    r"\d{1,2}[:.h]\d{2}|\d{4}[-/.年]\s?\d{1,2}|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?\d{2,4}|\b(?:19|20)\d\d\b|\d{1,2}\.?\s+\w{3,12}"
    r"|\w{3,12}\.?\s+\d{1,2}\b|\[DATE\]",
    re.I,
)
_MAY_DATE = re.compile(r"\d|\[DATE\]", re.I)
_TIME = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,200}")
_DATED_SENDER = re.compile(
    r"\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b[^\n]{0,120}<[^\s<>@]{1,64}@[^\s<>@]{1,200}>\s*:?\s*\Z"
)
_SEPARATOR = re.compile(
    r"\s*(?:[-_*=]{2,}\s*(?:(?:original|forwarded|reply|replied|weitergeleitete|ursprüngliche|originale?|oryginalna|"
    r"oorspronkelijk|mensagem|mensaje|message|messaggio|nachricht|originalnachricht|oprindelig|opprinnelig|ursprungligt|alkuperäinen|"
    r"исходное|пересылаемое|původní|původní|pôvodná|eredeti|doorgestuurd|videresendt|vidarebefordrat|transféré|inoltrato|"
    r"reenviado|encaminhada|wiadomość|originalmeddelelse|転送|原始邮件|原始郵件|元のメッセージ|원본)"
    r"[^\n]{0,60}?)[-_*=]{1,}\s*"
    r"|(?:begin\s+forwarded\s+message|anfang\s+der\s+weitergeleiteten\s+(?:nachricht|e-?mail)|début\s+du\s+message\s+"
    r"(?:réexpédié|transféré)|inicio\s+del\s+mensaje\s+reenviado|inizio\s+messaggio\s+inoltrato)\s*:?\s*"
    r"|-{2,}\s*(?:on|am|le)\s[^\n]{4,160}-{2,}\s*|_{5,}\s*from:.*)\Z",
    re.I,
)
_FIELD = re.compile(
    r"\s*[*_>]{0,3}\s*(?:from|von|de|da|van|od|от|från|fra|lähettäjä|feladó|kimden|från|发件人|寄件者|差出人|보낸\s?사람|"
    r"(?P<more>sent|date|to|subject|cc|reply-to|gesendet|datum|an|betreff|envoyé|à|objet|enviado(?:\s+el)?|fecha|para|"
    r"asunto|inviato|data|oggetto|verzonden|aan|onderwerp|wysłano|do|temat|отправлено|дата|кому|тема|skickat|till|ämne|"
    r"sendt|til|emne|dato|lähetetty|vastaanottaja|aihe|odesláno|komu|předmět|elküldve|címzett|tárgy|gönderilme|kime|konu|"
    r"发送时间|收件人|主题|日期|寄件日期|收件者|主旨|送信日時|宛先|件名|보낸\s?날짜|받는\s?사람|제목))"
    r"\s{0,3}[*_]{0,3}\s{0,3}[:：]\s{0,3}[*_]{0,3}\s*\S",
    re.I,
)
_RULE = re.compile(r"\s*[_\-=—─]{5,}\s*\Z")
_DELIMITER = re.compile(r"\s*(?:--|-- |__|—|---|––|_{3,}|-{5,}|—{2,}|─{3,})\s*\Z")
_GLUED = re.compile(r"(?:--|—|__)\s?[A-Za-zÀ-ÿ*]")
_DEVICE = re.compile(
    r"\s*[*_>(]?(?:sent\s+(?:from|via|using|with|by)\s+(?:my\s+)?\S|get\s+outlook\s+for|von\s+mein(?:em|er)\s+\S|gesendet\s+(?:von|mit|über)\s|"
    r"envoyé\s+(?:de(?:puis)?|avec|à partir)\s|enviado\s+(?:desde|do|a\s+partir|pelo|con)\s|inviato\s+(?:da|dal|con)\s|"
    r"verzonden\s+(?:vanaf|met|via)\s|verstuurd\s+(?:vanaf|met)\s|skickat\s+från\s|sendt\s+(?:fra|frå|via)\s|"
    r"wysłane\s+z\s|отправлено\s+(?:с|из|от)\s|lähetetty\s|odesláno\s+z[e]?\s|télécharger\s+outlook|obtener\s+outlook|"
    r"outlook\s+für\s|enviado\s+via\s|iPhoneから送信|发自我的|從我的\s?\S+\s?傳送|나의\s?\S+에서\s?보냄)[^\n]{0,120}\Z",
    re.I,
)
_DEVICE_SENTENCE = re.compile(r"[.!?,;:]\s+\S|\b(?:to|not|and|the|all)\b", re.I)
_CLOSER = re.compile(
    r"\s*(?:(?:kind|best|warm|many|with\s+(?:kind|best|warm))?\s*regards|best(?:\s+wishes)?|cheers|sincerely(?:\s+yours)?|"
    r"yours(?:\s+\w+)?|thanks(?:\s*(?:&|and)\s*(?:best\s+)?regards)|mit\s+(?:freundlichen|besten|herzlichen|lieben)\s+grü(?:ß|ss)en|"
    r"(?:viele|beste|liebe|herzliche|schöne|freundliche)\s+grü(?:ß|ss)e?|mfg|lg|vg|gru(?:ß|ss)|cordialement|"
    r"(?:bien\s+)?(?:à\s+vous|cordialement)|saludos(?:\s+cordiales)?|un\s+saludo|atentamente|cordiali\s+saluti|"
    r"distinti\s+saluti|met\s+vriendelijke\s+groet(?:en)?|groet(?:en|jes)?|atenciosamente|abraços|med\s+(?:vänliga?|venlig|"
    r"vennlig)\s+hilsning(?:ar)?|mvh|pozdrawiam|z\s+poważaniem|с\s+уважением|ystävällisin\s+terveisin)\s*[,.!]*\s*\Z",
    re.I,
)
_LIST_FOOTER = re.compile(r"\s*_{20,}\s*\Z")


@dataclass(frozen=True, slots=True)
class Folds:
    quote_at: int | None = None
    signature_at: int | None = None


def fold(text: str, hint: int | None = None, *, forwarded: bool = False) -> Folds:
    """Offsets for `text`. `hint` is where the HTML's own marks say that the quote begins.

    A quote that is answered between its lines or below is not folded: nothing that the sender wrote is ever hidden.
    """
    if not text:
        return Folds()
    lines, starts = _lines(text)
    quote = _quote_line(lines)
    quote_at = None if quote is None else starts[quote]
    if hint is not None and (quote_at is None or hint < quote_at) and text[:hint].strip():
        quote_at = hint
    if quote_at is not None and (not text[:quote_at].strip() or (forwarded and quote_at == 0)):
        quote_at = None  # nothing would be left to read
    end = len(text) if quote_at is None else quote_at
    shown = [line for line, start in zip(lines, starts, strict=True) if start < end]
    signature = _signature_line(shown)
    return Folds(quote_at, None if signature is None else starts[signature])


def _lines(text: str) -> tuple[list[str], list[int]]:
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    starts = []
    position = 0
    for line in lines:
        starts.append(position)
        position += len(line) + 1
    return [line[:600] for line in lines], starts


def _quote_line(lines: list[str]) -> int | None:
    last = len(lines)
    near = _near_header_ends(lines)
    for index, line in enumerate(lines):
        if not line:
            continue
        if index and _opens_reply(lines, index):
            return _with_rule(lines, index)
        header = _header_end(lines, index) if near[index] else None
        if header is not None:
            if _only_quoted(lines, header, last):
                return index
            if _unquoted(lines, header):
                return index
        elif line.startswith(">") and _only_quoted(lines, index, last):
            return index
    return None


def _near_header_ends(lines: list[str]) -> bytearray:
    """Marks the lines at which a header may begin: cheap, as most lines of most mails are none."""
    near = bytearray(len(lines))
    for index, line in enumerate(lines):
        bare = line.rstrip(" \t\r*_")
        if bare.endswith(_ENDINGS) or (line[:1].isdigit() and "@" in line):
            for at in range(max(0, index - MAX_HEADER_LINES + 1), index + 1):
                near[at] = 1
    return near


def _with_rule(lines: list[str], index: int) -> int:
    above = index - 1
    while above > 0 and not lines[above].strip():
        above -= 1
    return above if above > 0 and _RULE.match(lines[above]) else index


def _opens_reply(lines: list[str], index: int) -> bool:
    """A separator line, or a block of header fields as Outlook writes it: everything below is quoted."""
    line = lines[index]
    marked = line.lstrip()[:1] in "-_*=" or "essag" in line or "achricht" in line or "ensaje" in line
    if marked and _SEPARATOR.match(line):
        return True
    if not _may_be_field(line):
        return False
    found = _FIELD.match(line)
    if found is None or found["more"]:
        return False
    more = 0
    for following in lines[index + 1 : index + 8]:
        if not following.strip():
            if more == 0:
                continue
            break
        field = _FIELD.match(following)
        if field and field["more"]:
            more += 1
    return more >= 2


def _may_be_field(line: str) -> bool:
    """False for what has no colon, or more before it than any name of a field."""
    if "：" in line:
        return True
    head = line.partition(":")[0]
    return len(head) < len(line) and (len(head) <= 30 or len(" ".join(head.split())) <= 30)


def _header_end(lines: list[str], index: int) -> int | None:
    """The line after `On ..., someone wrote:` that begins at `index` (it may be broken over several lines)."""
    line = lines[index]
    # What begins with an ASCII letter or digit begins as such a line may.
    if line.startswith(">") or not ((line[:1].isascii() and line[:1].isalnum()) or _STARTS.match(line)):
        return None
    joined = ""
    for extra in range(MAX_HEADER_LINES):
        at = index + extra
        if at >= len(lines) or (
            extra and (not lines[at].strip() or (lines[at].startswith(">") and len(lines[at]) > 3))
        ):
            return None
        joined = f"{joined} {lines[at].strip()}" if extra else lines[at].strip()
        if len(joined) > 400:
            return None
        if extra == 0 and _DATED_SENDER.match(joined):
            return at + 1
        dated = ("@" in joined and _ADDRESS.search(joined)) or (
            _MAY_DATE.search(joined) and _DATE.search(joined)
        )
        if extra == 0 and not dated:
            return None
        verb = _has_verb(joined)
        ends = verb and _WROTE_ENDS.search(joined)
        if not dated or not (joined[-1] in ":：-" or ends):
            continue
        if ends or (verb and _WROTE.search(joined)):
            return at + 1
        if joined.endswith(":") and _TIME.search(joined) and _ADDRESS.search(joined) and not extra:
            return at + 1  # a date, a time, an address and no verb at all
    return None


def _has_verb(line: str) -> bool:
    if line.isascii():
        lower = line.lower()
        if not any(word in lower for word in _ASCII_VERBS):
            return False
    return bool(_VERB_ANYWHERE.search(line))


def _only_quoted(lines: list[str], index: int, last: int) -> bool:
    """Whether from `index` on there are only quoted lines (and, at the very end, a signature)."""
    seen = False
    for at in range(index, last):
        line = lines[at]
        if not line.strip():
            continue
        if line.startswith(">"):
            seen = True
        elif seen and (_DELIMITER.match(line) or _LIST_FOOTER.match(line) or _DEVICE.match(line)):
            return True
        elif seen and at + 1 < last and lines[at + 1].startswith(">"):
            continue  # a quoted line that was broken by a mailer on the way
        else:
            return False
    return seen


def _unquoted(lines: list[str], index: int) -> bool:
    """Whether what follows a header is quoted without marks: no marked line comes first."""
    for line in lines[index:]:
        if line.strip():
            return not line.startswith((">", "|"))
    return True


def _signature_line(lines: list[str]) -> int | None:
    count = len(lines)
    while count and not lines[count - 1].strip():
        count -= 1
    best: int | None = None
    for index in range(count - 1, max(-1, count - 40), -1):
        line = lines[index]
        if not line.strip() or line.startswith(">"):
            if line.startswith(">"):
                break
            continue
        below = count - index - 1
        if line.rstrip("\r") == "-- " or (line.strip() == "--" and below <= 25):
            return index if index else best
        if index == 0:
            break
        if (
            (0 < below <= 12 and _DELIMITER.match(line) and _short(lines[index + 1 : count]))
            or (
                below <= 6
                and _DEVICE.match(line)
                and not _DEVICE_SENTENCE.search(line.strip()[8:].rstrip(".!"))
            )
            or (below <= 8 and _CLOSER.match(line) and _short(lines[index + 1 : count]))
            or (0 <= below <= 6 and _GLUED.match(line) and len(line) < 60 and not lines[index - 1].strip())
        ):
            best = index
    return best


def _short(lines: list[str]) -> bool:
    said = [line for line in lines if line.strip()]
    return len(said) <= 10 and all(len(line) <= 90 for line in said)
