"""Run by the peers' own Python: VADER, and TF-IDF with a linear model, on the sets of a JSON file; prints their figures."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline, make_union
from training.scores import macro_f1, macro_recall, recall_at_precision
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def linear():
    return make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
        ),
        SGDClassifier(loss="log_loss", alpha=1e-5, class_weight="balanced", random_state=1),
    )


def main() -> None:
    sets = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    figures: dict[str, float] = {}
    languages = []
    for name, (training, held) in sets.items():
        model = linear().fit([text for text, _ in training], [label for _, label in training])
        texts, truth = [text for text, _ in held], [label for _, label in held]
        begun = time.process_time()
        said = model.predict(texts).tolist()
        if name == "sentiment":
            figures["sentiment"] = 100 * macro_recall(truth, said)
            figures["speed"] = len(texts) / (time.process_time() - begun)
        elif name == "purchases":
            figures[name] = 100 * recall_at_precision(truth, model.decision_function(texts).tolist(), 0.8)
        elif name.startswith("umsab"):
            languages.append(100 * macro_f1(truth, said))
        else:
            figures[name] = 100 * macro_f1(truth, said)
    figures["six languages"] = sum(languages) / len(languages)
    vader = SentimentIntensityAnalyzer()
    texts, truth = [text for text, _ in sets["sentiment"][1]], [label for _, label in sets["sentiment"][1]]
    begun = time.process_time()
    scores = [vader.polarity_scores(text)["compound"] for text in texts]
    speed = len(texts) / (time.process_time() - begun)
    said = [2 if one >= 0.05 else 0 if one <= -0.05 else 1 for one in scores]
    print(
        json.dumps(
            {
                "VADER": {"sentiment": 100 * macro_recall(truth, said), "speed": speed},
                "TF-IDF, linear (sentiment alone for speed)": figures,
            }
        )
    )


if __name__ == "__main__":
    main()
