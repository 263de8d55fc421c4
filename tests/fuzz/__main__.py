"""Fuzzes the `.nr` front end with atheris: `python -m fuzz --minutes 10` in tests/, or `make fuzz`.

Texts are read, parsed, formatted twice, checked and lowered to graph modules (`support/front_end.py`), each within two
seconds of the processor and 500 MB. They begin with the programs of the examples, the documents, the error codes and
the signatures, and with the corpus of another project where it is; they are changed word by word and byte by byte, and
those that reach new code are kept. An input that fails is written to `found`, once for each place of the fault.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["neuralc.grammar", "neuralc.frontends"]):
    from support.bounds import TookTooLong, bounded
    from support.front_end import answer, is_program
    from support.nr_texts import changed, texts

    for text in texts():  # all modules that are imported when they are needed
        answer(text.encode())

SECONDS = 2
MEGABYTES = 500
LONGEST = 8192
"""Bytes of an input."""


class Target:
    """Tries inputs, counts what became of them, keeps those that fail."""

    def __init__(self, found: Path, minutes: float) -> None:
        self.found, self.until = found, time.monotonic() + 60 * minutes
        self.answers: Counter[str] = Counter()
        self.places: set[str] = set()
        self.programs: set[int] = set()
        """Hashes of the inputs that parse."""
        self.slowest = 0.0

    def __call__(self, data: bytes) -> None:
        if time.monotonic() > self.until:
            self.finish()
        before = time.process_time()
        try:
            with bounded(SECONDS, MEGABYTES):
                found = answer(data)
            self.answers[found] += 1
            if found in ("refused", "loaded"):
                self.programs.add(hash(data))
        except (Exception, TookTooLong) as problem:  # whatever it is, it is what is looked for
            self.answers["failed"] += 1
            self._keep(data, problem)
        self.slowest = max(self.slowest, time.process_time() - before)
        if sum(self.answers.values()) % 1000 == 0:
            self.say()

    def mutate(self, data: bytes, longest: int, seed: int) -> bytes:
        """Mostly words of the language, else bytes; what is no program gets nearer to one seldom."""
        random = Random(seed)
        if random.random() < 0.1:
            return bytes(atheris.Mutate(data, longest))
        text = data.decode("utf-8", "replace")
        if hash(data) not in self.programs and random.random() < 0.8:
            text = random.choice(texts())
        tries = (changed(text, random, 3) for _ in range(random.choice((1, 5))))
        return next(filter(is_program, tries), changed(text, random, 3)).encode()[:longest]

    def _keep(self, data: bytes, problem: BaseException) -> None:
        last = traceback.extract_tb(problem.__traceback__)
        ours = [frame for frame in last if "neuralc" in frame.filename] or last
        place = f"{type(problem).__name__} {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        if place in self.places:
            return
        self.places.add(place)
        name = self.found / hashlib.sha1(data).hexdigest()[:10]
        name.with_suffix(".nr").write_bytes(data)
        name.with_suffix(".txt").write_text("".join(traceback.format_exception(problem)[-40:]))
        sys.stdout.write(f"FOUND {place}: {name}.nr\n")

    def say(self) -> None:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.answers.most_common())
        sys.stdout.write(
            f"{sum(self.answers.values())} inputs: {kinds}; slowest {self.slowest:.2f} s, most {most} MB\n"
        )
        sys.stdout.flush()

    def finish(self) -> None:
        """libFuzzer would end without a word of ours."""
        self.say()
        os._exit(1 if self.places else 0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description="Fuzz the front end of `.nr` models.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--found", type=Path, default=Path("build/fuzz"), help="where inputs that fail are written")
    given = parser.parse_args()
    given.found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for index, text in enumerate(texts()):
            (Path(seeds) / f"{index:04}.nr").write_text(text, encoding="utf-8")
        options = [
            f"-max_len={LONGEST}",
            "-rss_limit_mb=500",
            "-timeout=60",
            f"-seed={given.seed}",
            "-verbosity=0",
            "-mutate_depth=1",
        ]
        target = Target(given.found.absolute(), given.minutes)
        atheris.Setup([sys.argv[0], *options, seeds], target, custom_mutator=target.mutate)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
