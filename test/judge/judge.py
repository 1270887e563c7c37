# SPDX-License-Identifier: MIT
"""Runs a generator, and judges what it recorded: judge.py requests|responses GENERATOR

The generator (requests.c, responses.c) plays odd and malformed messages through a whole edge on the simulator and
records what was sent and what arrived. The judges are h11, an independent strict parser of HTTP/1.1, and two small
models of what the messages should become. JUDGE_COUNT says how many messages there are to be, JUDGE_SEED with which
seed to begin. A complaint names the seed of its run: JUDGE_SEED=… JUDGE_COUNT=1 replays it.
"""
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter

import judge_requests
import judge_responses
from tap import run, setting

JUDGES = {"requests": judge_requests, "responses": judge_responses}
COMPLAINTS_MAX = 20


def generate(kind, generator, seed, runs):
    """The records of each run, by seed, and what the generator itself complained about."""
    with tempfile.NamedTemporaryFile() as records:
        env = dict(os.environ, SIM_STORY=kind, SIM_SEED=str(seed), SIM_SEEDS=str(runs), JUDGE_RECORDS=records.name)
        done = subprocess.run([generator], env=env, capture_output=True, text=True, errors="replace", check=False)
        found = {}
        for line in map(json.loads, open(records.name, encoding="ascii")):
            if line["kind"] == "run":
                found[seed + len(found)] = []
            found[seed + len(found) - 1].append(line)
    return found, [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()[-20:]


def main():
    kind, generator = sys.argv[1:]
    judge = JUDGES[kind]
    seed = int(setting("JUDGE_SEED") or 1)
    runs = -(-int(setting("JUDGE_COUNT") or judge.COUNT) // judge.PER_RUN)
    found, complaints = generate(kind, generator, seed, runs)
    tally, faults = Counter(), []
    for number, records in found.items():
        faults += [f"seed {number}: {fault}" for fault in judge.judge_run(records, tally)]
    if faults:
        faults = faults[:COMPLAINTS_MAX] + [f"{len(faults)} complaints; JUDGE_SEED=… JUDGE_COUNT=1 replays a seed"]
    for what, count in sorted(tally.items()):
        print(f"# {count} {what}")
    run([(f"the generator of {kind} runs to its end", lambda: complaints),
         (f"{kind}: {judge.CLAIM}", lambda: faults),
         (f"{kind}: enough of each kind", lambda: judge.too_few(tally)),
         ("the judge sees what is wrong", judge.blind_spots)])


main()
