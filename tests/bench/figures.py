"""What counting and telling cost: the same milter with statistics and metrics on and off, in one run. Part of scripts/bench.

The two of a pair are measured one right after the other, in turns first; the table has the median of the ratios of all pairs, and how far
the middle half of them lies apart, which says what the machine leaves of a difference."""

import statistics

from throughput import Throughput
import settings
from process import free_port

GOAL = 1.05
CASES = (("no incident", "", []), ("P1, not matched", "P1", []), ("P1, matched, claimed", "P1", ["--outage", "100"]))
SIZE = 4096


class Figures(Throughput):
    def start(self) -> None:
        self.redis.start()
        for name, word, load in CASES:
            for on in (True, False):
                own = {"stats.enabled": on, "metrics.milter": f"127.0.0.1:{free_port()}" if on else ""}
                self.start_milter(name, word, ["--authres", settings.TRUSTED_ID, *load], own)

    def measure_all(self) -> None:
        print(f"\nCPU of a message ({SIZE} bytes) with statistics and metrics on, in that of off"
              f" (medians of {self.options.figures_rounds} pairs)")
        print(f"{'':24}{'on us':>11}{'off us':>11}{'on/off':>11}{'half of them':>18}  goal")
        for number, (name, _, _) in enumerate(CASES):
            on, off = self.contestants[2 * number:2 * number + 2]
            pairs = []
            for round_number in range(self.options.figures_rounds):
                order = (on, off) if round_number % 2 == 0 else (off, on)
                cpu = {contestant: self.measure(contestant, SIZE, 1, self.options.messages)["cpu_us"] for contestant in order}
                pairs.append((cpu[on], cpu[off]))
            ratios = [one / other for one, other in pairs]
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"{name:24}{statistics.median(one for one, _ in pairs):11.1f}{statistics.median(other for _, other in pairs):11.1f}"
                  f"{middle:11.3f}{f'{low:.3f} to {high:.3f}':>18}  <= {GOAL}: {'met' if middle <= GOAL else 'MISSED'}", flush=True)
