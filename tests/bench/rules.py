"""What the rules cost for texts of 4 KB and 32 KB: with and without Hyperscan, and with ten times as many rules. Part of scripts/bench.

rulesbench measures; it says how the rules that are added are made. Texts are those of the model's corpus, or of the tests where there is none."""

import json
from pathlib import Path

from ground import build_dir, print_table, run

GOAL = 1.5  # ten times as many rules with Hyperscan, in the CPU time of the rules as they are with it
ROOT = Path(__file__).resolve().parents[2]
SETS = {"own": "shipped", "eight": "10 x, in eight languages", "one": "10 x, in their own language"}


class Rules:
    def __init__(self, folder: Path, options):
        self.rounds = options.rules_rounds

    def run(self) -> None:
        corpus, model = ROOT / "conf/model/corpus", ROOT / "conf/model/outage.model"
        texts = corpus if any(corpus.glob("*.tsv")) else ROOT / "tests/data/rules/texts.tsv"
        command = [build_dir() / "tests/bench/rulesbench", "--rules", ROOT / "conf/rules", "--texts", texts, "--rounds", str(self.rounds)]
        if model.exists():
            command += ["--model", model]
        results = [json.loads(line) for line in run(command, timeout=900).stdout.splitlines()]
        for size in sorted({result["size"] for result in results}):
            of_size = [result for result in results if result["size"] == size]
            base = {result["hyperscan"]: result["us"] for result in of_size if result["packs"] == "own"}
            model_us = next((result["model_us"] for result in of_size if "model_us" in result), None)
            rows = []
            for result in of_size:
                ratio = result["us"] / base[result["hyperscan"]]
                over = result["hyperscan"] and result["packs"] != "own" and ratio > GOAL
                rows.append([f"{SETS[result['packs']]}, {'Hyperscan' if result['hyperscan'] else 'PCRE2 alone'}", result["rules"],
                             f"{result['us']:.0f}", f"{ratio:.2f}" + (" (over)" if over else ""),
                             f"{result['us'] / base[False]:.2f}", f"{result['us'] + model_us:.0f}" if model_us is not None else "-"])
            print_table(f"Rules, texts of {size // 1024} KB (goal: {GOAL} x with Hyperscan)",
                        ["rules", "CPU us", "x shipped", "x without", "with the model"], rows)
