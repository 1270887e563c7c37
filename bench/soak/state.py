# SPDX-License-Identifier: MIT
"""What is known so far, in a folder, so that an interrupted run can go on."""
import fcntl
import json
import os
from collections import Counter
from dataclasses import dataclass, field

from .figures import compare, whole_lines


@dataclass
class State:
    seed: int
    seconds: float = 0  # that have been run
    periods: int = 0
    verdicts: dict = field(default_factory=Counter)  # how many requests ended how
    complaints: list = field(default_factory=list)  # the first wrong answers
    troubles: dict = field(default_factory=Counter)
    memory: list = field(default_factory=list)  # a list of (seconds, bytes) for each process
    descriptors: list = field(default_factory=list)


class Folder:
    """`state.json`, the ledger of the application, and what clients were told."""

    def __init__(self, path):
        self.path = path
        self.ledger, self.acknowledged, self.state = path / "ledger", path / "acknowledged", path / "state.json"

    def take(self):
        """For this process, as long as it lives: two at a time would take each other's orders for done twice. ValueError
        when another has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another run has {self.path}: choose another folder with --state") from error

    def begin(self, seed):
        self.state.unlink(missing_ok=True)
        for file in self.ledger, self.acknowledged:
            file.write_text("")
        return State(seed)

    def resume(self):
        """What `save` left. ValueError says what is in the way."""
        try:
            known = State(**json.loads(self.state.read_text()))
        except OSError as error:
            raise ValueError(f"nothing to resume: {error}") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.state} is no state of this program: {error}") from error
        known.verdicts, known.troubles = Counter(known.verdicts), Counter(known.troubles)
        return known

    def save(self, state):
        """All or nothing."""
        new = self.state.with_suffix(".new")
        new.write_text(json.dumps(vars(state)))
        os.replace(new, self.state)

    def orders(self):
        """When both files have been written to the end."""
        return compare(*(whole_lines(path.read_text()) for path in (self.acknowledged, self.ledger)))
