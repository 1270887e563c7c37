# SPDX-License-Identifier: MIT
"""The proxy with an access log that tests can read."""
import json
import re

from processes import Proxy


class LoggingProxy(Proxy):
    """Its access log is JSON, among what it prints."""

    def __init__(self, origin, *options):
        super().__init__(origin, "--access-log", "-", "--access-log-format", "json", *options)

    def record(self, path):
        """The first record of a request for `path`, now or as soon as it comes."""
        return json.loads(self.wait_for(rf'(?m)^{{"time".*"path":{re.escape(json.dumps(path))}.*}}$')[0])

    def records(self):
        return [json.loads(line) for line in self.output.splitlines() if line.startswith('{"time"')]
