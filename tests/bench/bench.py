"""Measures outage-milter and prints tables; asserts nothing. Started by scripts/bench, which builds first.

The figures of one machine say little: what counts are the ratios within one run."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from figures import Figures
from rules import Rules
from scale import Scale
from throughput import Throughput
from trouble import Trouble


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Without naming a part, all are run, one after another.")
    parts = parser.add_argument_group("parts")
    parts.add_argument("--throughput", action="store_true", help="CPU and messages a second beside milters that do nothing (5 minutes)")
    parts.add_argument("--trouble", action="store_true", help="the end of a message while the store is dead, stalled, cut off (1 minute)")
    parts.add_argument("--scale", action="store_true", help="nodes, a million accounts, a million senders, fifty watchers (5 minutes)")
    parts.add_argument("--figures", action="store_true", help="what statistics and metrics cost the milter, on beside off (2 minutes)")
    parts.add_argument("--rules", action="store_true", help="the rules on texts of 4 and 32 KB, and ten times as many (1 minute)")
    group = parser.add_argument_group("of --throughput")
    group.add_argument("--sizes", type=numbers, default=[4096, 65536], help="of messages, in bytes (4096,65536)")
    group.add_argument("--connections", type=numbers, default=[1, 8, 64], help="at the same time (1,8,64)")
    group.add_argument("--messages", type=int, default=4000, help="a measurement; a quarter of it for large ones (4000)")
    group.add_argument("--rounds", type=int, default=5, help="of each measurement (5)")
    group = parser.add_argument_group("of --figures")
    group.add_argument("--figures-rounds", type=int, default=15, help="pairs of each measurement (15)")
    group = parser.add_argument_group("of --trouble")
    group.add_argument("--trouble-seconds", type=float, default=3, help="in each state (3)")
    group = parser.add_argument_group("of --scale")
    group.add_argument("--only", choices=Scale.PARTS, action="append", help="one of its tables; may be repeated")
    group.add_argument("--scale-seconds", type=float, default=1, help="of each run of claims (1)")
    group.add_argument("--scale-rounds", type=int, default=3, help="of each run of claims (3)")
    group.add_argument("--accounts", type=int, default=1_000_000, help="(1000000)")
    group.add_argument("--senders", type=int, default=1_000_000, help="acknowledged in the incident (1000000)")
    group.add_argument("--watchers", type=int, default=50, help="nodes that follow the flip key (50)")
    group.add_argument("--flips", type=int, default=1000, help="seen by one node on Redis (1000); a fifth of it elsewhere")
    group = parser.add_argument_group("of --rules")
    group.add_argument("--rules-rounds", type=int, default=40, help="of each measurement (40)")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    every = not (options.throughput or options.trouble or options.scale or options.rules or options.figures)
    wanted = [(Throughput, options.throughput), (Trouble, options.trouble), (Scale, options.scale),
              (Rules, options.rules), (Figures, options.figures)]
    folder = Path(tempfile.mkdtemp(prefix="outage-bench-"))
    try:
        for part, named in wanted:
            if named or every:
                start = time.monotonic()
                part(folder, options).run()
                print(f"\n{part.__name__.lower()}: {time.monotonic() - start:.0f} s", flush=True)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
