# SPDX-License-Identifier: MIT
"""Judges requests: each reaches the origin once and as the same message, or not at all."""
import re
from collections import Counter

import h11
from requests_model import (CONNECTION_ERROR, FORWARD, MALFORMED, REFUSED, UNFINISHED, by_name, expected_fields, judge)

COUNT, PER_RUN = 12000, 250
CLAIM = "exactly the same message, or refused before a byte is sent"

MESSAGE_ERROR = 0x10e
# RFC 9114 8.1: H3_FRAME_UNEXPECTED, H3_FRAME_ERROR, H3_EXCESSIVE_LOAD, H3_ID_ERROR; H3_MESSAGE_ERROR when nghttp3
# treats a malformed message so (RFC 9114 8 allows that)
FATAL = {0x105, 0x106, MESSAGE_ERROR}
PEER = re.compile(rb"192\.0\.2\.\d+")
# Beside what h11 checks: no bare LF, no control bytes, names in lower case, one space behind the colon.
VALUE = rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
HEAD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
                  rb"(?:[!#$%&'*+\-.^_`|~0-9a-z]+: " + VALUE + rb"\r\n)+\r\n")


class Received:
    """One request as h11 read it."""

    def __init__(self, event):
        self.method, self.target = event.method, event.target
        self.lines = event.headers.raw_items()
        self.fields = by_name(event.headers.raw_items())
        self.content, self.trailers, self.complete = b"", [], False

    @property
    def id(self):
        values = self.fields.get(b"x-judge", [b"0"])
        return int(values[-1]) if values[-1].isdigit() else 0


def read_link(data):
    """The requests on one link, and a head that was cut; raises RemoteProtocolError when it is not HTTP/1.1."""
    found, start = [], 0
    while start < len(data):
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(data[start:])
        event = reader.next_event()
        if event is h11.NEED_DATA:
            return found, data[start:]
        if not HEAD.match(data, start):
            raise h11.RemoteProtocolError("a head that h11 takes and that is not exact")
        found.append(Received(event))
        while not found[-1].complete and (event := reader.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Data):
                found[-1].content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found[-1].trailers, found[-1].complete = list(event.headers), True
        if not found[-1].complete:
            break
        start = len(data) - len(reader.trailing_data[0])
    return found, b""


def framing_fault(verdict, received):
    lengths, codings = received.fields.get(b"content-length", []), received.fields.get(b"transfer-encoding", [])
    if len(lengths) + len(codings) > 1:
        return "two ways of framing"
    if verdict.length is not None:
        wanted = [str(verdict.length).encode()], []
    elif verdict.content or verdict.trailers:
        wanted = [], [b"chunked"]
    elif codings:
        wanted = [], [b"chunked"]
    else:
        wanted = [b"0"] if verdict.method in (b"POST", b"PUT", b"PATCH") else [], []
    return None if (lengths, codings) == wanted else f"framed by {lengths} {codings} and not {wanted}"


def message_fault(verdict, received):
    """What is not the same in a request that reached the origin as a whole."""
    if (received.method, received.target) != (verdict.method, verdict.path):
        return f"{verdict.method} {verdict.path} became {received.method} {received.target}"
    peer = received.fields.get(b"x-forwarded-for", [b""])[0]
    fields = {name: values for name, values in received.fields.items()
              if name not in (b"content-length", b"transfer-encoding")}
    wanted = expected_fields(verdict, peer)
    if not PEER.fullmatch(peer):
        return f"x-forwarded-for {peer}"
    if fields != wanted:
        return "fields " + ", ".join(f"{name}: {wanted.get(name)} became {fields.get(name)}"
                                     for name in sorted(wanted | fields) if wanted.get(name) != fields.get(name))
    if received.content != verdict.content[:verdict.length]:
        return f"{len(verdict.content)} bytes of content became {len(received.content)}"
    trailers = verdict.trailers if verdict.length is None else []
    if by_name(received.trailers) != by_name(trailers):
        return f"trailers {trailers} became {received.trailers}"
    return framing_fault(verdict, received)


def may_be_whole(verdict):
    """All that content-length announced was there before the fault: more of it, bad trailers or a reset come too late
    to stop what has gone to the origin already, and change nothing in it."""
    return verdict.head_is_fine and verdict.length is not None and len(verdict.content) >= verdict.length


def came_early(verdict, outcome):
    """RFC 8470 5.2: a request that a hop before us marked may be answered 425, unless it is safe."""
    return outcome["status"] == 425 and any(name == b"early-data" for name, value in verdict.lines)


def arrival_fault(verdict, arrivals, outcome):
    whole = [received for received in arrivals if received.complete]
    if len(whole) > 1:
        return f"reached the origin {len(whole)} times"
    if arrivals and not verdict.head_is_fine:
        return "reached the origin"
    if not whole:
        return "did not reach the origin" if verdict.kind == FORWARD and not came_early(verdict, outcome) else None
    if verdict.kind != FORWARD and not may_be_whole(verdict):
        return "reached the origin as a whole"
    return message_fault(verdict, whole[0])


def outcome_fault(verdict, outcome, lost):
    answered = outcome["complete"] and outcome["status"]
    if verdict.kind == UNFINISHED or (verdict.head_is_fine and came_early(verdict, outcome)):
        return None
    if verdict.kind == CONNECTION_ERROR:
        ended = outcome["closed"] in FATAL or outcome["reset"] == MESSAGE_ERROR or outcome["status"] in verdict.statuses
        return None if ended or may_be_whole(verdict) else "the connection goes on"
    if lost:
        return None
    if outcome["closed"] != -1:
        return f"the connection was closed with {outcome['closed']:#x}"
    if verdict.kind == MALFORMED and may_be_whole(verdict):
        return None
    if verdict.kind == MALFORMED:
        fine = outcome["reset"] == MESSAGE_ERROR or answered in verdict.statuses
    elif verdict.kind == REFUSED:
        fine = answered in verdict.statuses
    else:
        fine = answered == 200 and outcome["reset"] == -1
    return None if fine else f"answered {answered}, reset {outcome['reset']:#x}"


def unhex(request):
    """Frames as lists of lines (field sections) and pairs of a type and a payload."""
    frames = []
    for kind, one, two in request["frames"]:
        one, two = bytes.fromhex(one), bytes.fromhex(two)
        if kind == "head":
            frames.append([])
        elif kind == "line":
            frames[-1].append((one, two))
        else:
            frames.append((int(one), two))
    return dict(request, frames=frames)


def link_faults(data, verdicts, arrivals):
    """Files what came on a link under the numbers of the requests."""
    try:
        found, rest = read_link(data)
    except h11.RemoteProtocolError as error:
        return [f"not HTTP/1.1: {error}: {data[:300]}"]
    for received in found:
        arrivals.setdefault(received.id, []).append(received)
    # Only one that ends too early is cut within its head.
    beginnings = [verdict.method + b" " + verdict.path for verdict in verdicts
                  if verdict.head_is_fine and verdict.kind != FORWARD]
    if rest and not any(rest.startswith(text) or text.startswith(rest) for text in beginnings):
        return [f"more than requests: {rest[:300]}"]
    return []


def judge_run(records, tally):
    """Complaints about one run."""
    outcomes = {record["id"]: record for record in records if record["kind"] == "outcome"}
    requests = {record["id"]: record for record in records if record["kind"] == "request"}
    verdicts = {number: judge(unhex(request)) for number, request in requests.items()}
    arrivals, faults = {}, []
    for record in records:
        if record["kind"] == "link":
            faults += link_faults(bytes.fromhex(record["bytes"]), verdicts.values(), arrivals)
    # From nghttp3 1.11 on a malformed message ends its connection, and all that is on it.
    may_lose = records[0]["nghttp3"] >= 0x010b00
    for number in sorted(set(requests) | set(arrivals)):
        if number not in requests or number not in outcomes:
            faults.append(f"request {number} has no beginning or no end")
            continue
        verdict, outcome = verdicts[number], outcomes[number]
        lost = may_lose and outcome["closed"] == MESSAGE_ERROR
        tally[f"{verdict.kind} (lost with their connection)" if lost else verdict.kind] += 1
        came = arrivals.get(number, [])
        fault = None if lost and not came else arrival_fault(verdict, came, outcome)
        fault = fault or outcome_fault(verdict, outcome, lost)
        if fault:
            faults.append(f"request {number}, {verdict.kind} {verdict.why}: {fault}; {outcome}"[:2000])
    return faults


def too_few(tally):
    total = sum(tally.values())
    shares = {FORWARD: 0.2, MALFORMED: 0.2, REFUSED: 0.005, UNFINISHED: 0.005, CONNECTION_ERROR: 0.005}
    return [f"{tally[kind]} {kind} of {total}" for kind, share in shares.items() if tally[kind] < share * total]


def blind_spots():
    """A run with one good request, told in wrong ways."""
    lines = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/"), (b"x-judge", b"1")]
    frames = [["head", "", ""]] + [["line", name.hex(), value.hex()] for name, value in lines]
    frames.append(["frame", b"0".hex(), b"abc".hex()])
    request = {"kind": "request", "id": 1, "frames": frames, "cut": 0, "reset": 0}
    outcome = {"kind": "outcome", "id": 1, "status": 200, "complete": 1, "reset": -1, "closed": -1}
    good = (b"POST / HTTP/1.1\r\nhost: a\r\nx-judge: 1\r\nvia: 3 h3edge\r\nx-forwarded-for: 192.0.2.1\r\n"
            b"x-forwarded-proto: https\r\nx-forwarded-host: a\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n")

    def complaints(data, **changes):
        link = {"kind": "link", "bytes": data.hex()}
        beginning = {"kind": "run", "nghttp3": 0x010800}
        return judge_run([beginning, request, outcome | changes, link], Counter())

    wrong = {
        "twice": good + good, "never": b"", "cut": good[:-2], "more": good + b"x",
        "another path": good.replace(b"POST / ", b"POST /x "), "another method": good.replace(b"POST", b"PUT"),
        "other content": good.replace(b"abc", b"abd"), "another field": good.replace(b"via", b"x-y: z\r\nvia"),
        "a field less": good.replace(b"via: 3 h3edge\r\n", b""), "a trailer": good[:-2] + b"x: y\r\n\r\n",
        "a length too": good.replace(b"transfer-", b"content-length: 3\r\ntransfer-"),
        "bare LF": good.replace(b"host: a\r\n", b"host: a\n"), "folded": good.replace(b"host: a", b"host:\r\n a"),
    }
    found = complaints(good)
    found += [f"it does not see: {what}" for what, data in wrong.items() if not complaints(data)]
    for change in ({"status": 502}, {"reset": 0x10e, "complete": 0}, {"complete": 0}, {"closed": 0x101}):
        found += [] if complaints(good, **change) else [f"it does not see: {change}"]
    return found
