"""What the rules cost for texts of 4 KB and 32 KB: with and without Hyperscan, and with ten times as many rules. Part of scripts/bench.

rulesbench measures; it says how the rules that are added, and the kinds of texts, are made. Texts are those of the model's corpus, or of the tests where there is none."""

import json
from pathlib import Path

from ground import build_dir, print_table, run

GOAL = 1.5  # ten times as many rules with Hyperscan, in the CPU time of the rules as they are with it
KINDS = {"ordinary": "ordinary text", "report": "ordinary text that begins with a report", "reports": "report after report, the worst case"}
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
        model_us = {result["size"]: result["model_us"] for result in results if "model_us" in result}
        for kind, of_what in KINDS.items():
            for size in sorted({result["size"] for result in results}):
                self.show(f"Rules, {size // 1024} KB of {of_what} (goal: {GOAL} x with Hyperscan)",
                          [result for result in results if (result["kind"], result["size"]) == (kind, size)], model_us.get(size))

    @staticmethod
    def show(title: str, results: list, model_us) -> None:
        base = {result["hyperscan"]: result["us"] for result in results if result["packs"] == "own"}
        rows = []
        for result in results:
            ratio = result["us"] / base[result["hyperscan"]]
            over = result["hyperscan"] and result["packs"] != "own" and ratio > GOAL
            rows.append([f"{SETS[result['packs']]}, {'Hyperscan' if result['hyperscan'] else 'PCRE2 alone'}", result["rules"],
                         f"{result['us']:.0f}", f"{ratio:.2f}" + (" (over)" if over else ""),
                         f"{result['us'] / base[False]:.2f}", f"{result['us'] + model_us:.0f}" if model_us is not None else "-"])
        print_table(title, ["rules", "CPU us", "x shipped", "x without", "with the model"], rows)
