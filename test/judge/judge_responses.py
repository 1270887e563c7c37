# SPDX-License-Identifier: MIT
"""Judges responses: the client sees what h11 reads from the same bytes, or sees that there is nothing whole to see."""
import re
from collections import Counter
from dataclasses import dataclass, field

import h11
from requests_model import HOP_BY_HOP, TRAILERS_DROPPED, by_name, twin

COUNT, PER_RUN = 3000, 100
CLAIM = "what is malformed or cut never looks whole"

WHOLE, CUT, WRONG = "whole", "cut", "wrong"
TEXT_MAX = 8191  # of what the generator keeps of fields and of content
CONTROL = rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"

# Where h11 reads a whole response and we need not, and why: it can be understood in two ways, or not be sent on. The
# text is a pattern for the head, or for all of a response in chunks.
STRICTER = {
    "obsolete folding (RFC 9112 5.2)": rb"\n[ \t]",
    "a line end that is not CRLF (RFC 9112 2.2)": rb"(?<!\r)\n|\r(?!\n)",
    "control bytes (RFC 9110 5.5, RFC 9112 4)": CONTROL,
    "neither HTTP/1.0 nor HTTP/1.1 (RFC 9112 2.3)": rb"(?m)^HTTP/(?!1\.[01] )",
    "a status outside 100 to 599 (RFC 9110 15)": rb"(?m)^HTTP/\S+ (?:0|[6-9])",
    "framing stated twice (RFC 9112 6.3)": rb"(?is)\n(content-length|transfer-encoding)[ \t]*:.*\n\1[ \t]*:",
    "both length and coding (RFC 9112 6.3)":
        rb"(?is)\ncontent-length:.*\ntransfer-encoding:|\ntransfer-encoding:.*\ncontent-length:",
    "a list of lengths (RFC 9110 8.6)": rb"(?i)\ncontent-length:[^\r\n]*,",
    "a tab behind a length, which llhttp does not read": rb"(?i)\ncontent-length:[^\r\n]*\t\r",
    "a length of more than 63 bits": rb"(?i)\ncontent-length:[ \t]*\d{19}",
    "a coding in HTTP/1.0 (RFC 9112 6.1)": rb"(?ims)^HTTP/1\.0.*\ntransfer-encoding:",
    "content announced with 1xx or 204 (RFC 9110 8.6)":
        rb"(?is)HTTP/1\.[01] (?:1\d\d|204)\b(?:(?!\r\n\r\n).)*\n(?:content-length|transfer-encoding):",
    "a coding that is empty or in a list (RFC 9112 6.1)": rb"(?i)\ntransfer-encoding:(?![ \t]*chunked[ \t]*\r)",
    "a tab behind a coding, which llhttp does not read": rb"(?i)\ntransfer-encoding:[^\r\n]*\t\r",
    "a switch of protocols (RFC 9110 15.2.2)": rb"(?m)^HTTP/\S+ 101\b",
}
IN_CHUNKS = {
    "a chunk's line with odd white space or extension (RFC 9112 7.1.1)": rb"\r\n[0-9A-Fa-f]+(?![0-9A-Fa-f]|\r\n)",
    "a chunk's size of more than 64 bits": rb"\r\n[0-9A-Fa-f]{17}",
}
# Where we read a whole response and h11 does not: there is none.


@dataclass
class Reading:
    kind: str = CUT
    status: int = 0
    lines: list = field(default_factory=list)
    informs: list = field(default_factory=list)
    content: bytes = b""
    trailers: list = field(default_factory=list)
    why: str = ""


def events(reader, data, ended):
    """What h11 finds; the end of the link comes after the data."""
    if data:
        reader.receive_data(data)
    while True:
        event = reader.next_event()
        if event is h11.NEED_DATA and ended:
            ended = False
            reader.receive_data(b"")
        elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return
        else:
            yield event


def read(method, data, ended):
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    reader.send(h11.Request(method=method, target="/", headers=[("host", "localhost")]))
    reader.send(h11.EndOfMessage())
    reading = Reading()
    try:
        for event in events(reader, data, ended):
            if isinstance(event, h11.InformationalResponse):
                reading.informs.append((event.status_code, list(event.headers)))
            elif isinstance(event, h11.Response):
                reading.status, reading.lines = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                reading.content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reading.trailers, reading.kind = list(event.headers), WHOLE
                break
    except h11.RemoteProtocolError as error:
        reading.kind, reading.why = WRONG, str(error)
    return reading


def head_of(data):
    """All heads: up to the empty line behind the last one that begins with a final status."""
    at = 0
    while True:
        match = re.compile(rb"\r?\n\r?\n").search(data, at)
        if not match:
            return data
        if not re.match(rb"HTTP/\S+ 1\d\d", data[at:at + 16]):
            return data[:match.end()]
        at = match.end()


def reasons_to_be_stricter(data, reading):
    head = head_of(data)
    is_chunked = re.search(rb"(?i)\ntransfer-encoding:", head)
    found = [why for why, pattern in STRICTER.items() if re.search(pattern, head)]
    if is_chunked:
        found += [why for why, pattern in IN_CHUNKS.items() if re.search(pattern, data[len(head) - 2:])]
        found += ["odd lines between chunks or in trailers"] if re.search(
            rb"(?<!\r)\n|\r(?!\n)|\n[ \t]|" + CONTROL, data[len(head):]) else []
    if any(name in (b"content-length", b"transfer-encoding") for name, value in reading.trailers):
        found.append("framing among the trailers (RFC 9110 6.5.1)")
    if len(reading.informs) > 16:
        found.append("more than 16 interim responses")
    if any(len(lines) > 128 for lines in [reading.lines] + [lines for status, lines in reading.informs]):
        found.append("more than 128 lines")
    return found


def expected_fields(lines, via=True):
    options = {option.strip(b" \t").lower() for name, value in lines if name == b"connection"
               for option in value.split(b",")}
    kept = []
    for name, value in lines:
        if name in HOP_BY_HOP or name in options or name == b"te":
            continue
        if name == b"content-length":
            value = str(int(value)).encode()
        kept.append((name, value))
    return by_name(kept + ([(b"via", b"1.1 h3edge")] if via else []))


def seen_lines(text):
    return [tuple(line.split(b": ", 1)) for line in text.split(b"\n")[:-1]]


def seen_informs(text):
    """The statuses of interim responses and their fields."""
    informs = []
    for name, value in seen_lines(text):
        if name == b":status":
            informs.append((int(value), []))
        else:
            informs[-1][1].append((name, value))
    return informs


def informs_fault(reading, outcome):
    """Each goes on but 100, which nobody expects."""
    if len(outcome["informs"]) == TEXT_MAX:
        return None
    wanted = [(status, expected_fields(lines, via=False)) for status, lines in reading.informs
              if status != 100]
    found = [(status, by_name(lines)) for status, lines in seen_informs(outcome["informs"])]
    return None if wanted == found else f"interim responses {wanted} became {found}"


def same_fault(reading, outcome):
    """What differs when both sides see a whole response."""
    lines = seen_lines(outcome["fields"])
    if outcome["status"] != reading.status:
        return f"status {reading.status} became {outcome['status']}"
    if outcome["content_len"] != len(reading.content) or outcome["content"] != reading.content[:TEXT_MAX]:
        return f"content {reading.content} became {outcome['content']}"
    if len(outcome["fields"]) == TEXT_MAX:
        return None
    fields = by_name([(name, value) for name, value in lines if name != b":status"])
    wanted = expected_fields(reading.lines)
    if fields != wanted:
        return f"fields {wanted} became {fields}"
    trailers = by_name([line for line in reading.trailers if not TRAILERS_DROPPED.fullmatch(twin(line[0]))])
    if by_name(seen_lines(outcome["trailers"])) != trailers:
        return f"trailers {trailers} became {outcome['trailers']}"
    return informs_fault(reading, outcome)


def fault_of(data, reading, outcome, tally):
    is_passed_on = (b"via", b"1.1 h3edge") in seen_lines(outcome["fields"])
    looks_whole = bool(is_passed_on and outcome["complete"] and outcome["reset"] == -1)
    if outcome["closed"] != -1:
        return "the client's connection ended"
    if not is_passed_on and outcome["status"]:
        if outcome["status"] not in (502, 503, 504) or not outcome["complete"]:
            return f"answered {outcome['status']}"
    elif not looks_whole and outcome["reset"] == -1:
        return "neither a whole response nor an error"
    if reading.kind != WHOLE:
        return f"looks whole, and is {reading.kind} {reading.why}" if looks_whole else None
    if looks_whole:
        return same_fault(reading, outcome)
    reasons = reasons_to_be_stricter(data, reading)
    for why in reasons[:1]:
        tally[f"refused, but not by h11: {why}"] += 1
    return None if reasons else f"refused, and h11 reads {reading}"


def judge_run(records, tally):
    outcomes = {record["id"]: record for record in records if record["kind"] == "outcome"}
    faults = []
    for record in records:
        if record["kind"] != "response":
            continue
        if record["id"] not in outcomes:
            faults.append(f"response {record['id']} has no end")
            continue
        outcome = dict(outcomes[record["id"]])
        for name in ("fields", "informs", "trailers", "content"):
            outcome[name] = bytes.fromhex(outcome[name])
        data = bytes.fromhex(record["bytes"])
        reading = read(bytes.fromhex(record["method"]), data, chr(record["end"]) == "F")
        tally[reading.kind] += 1
        fault = fault_of(data, reading, outcome, tally)
        if fault:
            faults.append(f"response {record['id']} {chr(record['end'])}: {fault}; {data}; {outcome}"[:2500])
    return faults


def too_few(tally):
    total = tally[WHOLE] + tally[CUT] + tally[WRONG]
    return [f"{tally[kind]} {kind} of {total}" for kind in (WHOLE, CUT, WRONG) if tally[kind] < 0.1 * total]


def blind_spots():
    """One response, and what a client could wrongly have seen of it."""
    good = (b"HTTP/1.1 200 OK\r\nserver: x\r\nkeep-alive: 1\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\nx-t: y\r\n\r\n")
    seen = {"kind": "outcome", "id": 1, "status": 200, "complete": 1, "reset": -1, "closed": -1, "content_len": 3,
            "fields": b":status: 200\nserver: x\nvia: 1.1 h3edge\n", "informs": b"", "trailers": b"x-t: y\n",
            "content": b"abc"}

    def complaints(data, method=b"GET", **changes):
        outcome = {name: value.hex() if isinstance(value, bytes) else value for name, value in (seen | changes).items()}
        response = {"kind": "response", "id": 1, "method": method.hex(), "bytes": data.hex(), "end": ord("F")}
        return judge_run([response, outcome], Counter())

    found = complaints(good) + complaints(good[:-1], complete=0, reset=0x102)
    found += complaints(b"", fields=b":status: 502\n", status=502)
    found += [f"it does not see that {length} bytes are not whole" for length in range(len(good))
              if not complaints(good[:length])]
    wrong = [{"status": 201}, {"content": b"abd"}, {"content_len": 4}, {"trailers": b""}, {"complete": 0},
             {"closed": 0x101}, {"informs": b":status: 103\n"}, {"fields": seen["fields"] + b"keep-alive: 1\n"},
             {"fields": b":status: 200\nvia: 1.1 h3edge\n"}, {"fields": b":status: 502\n", "status": 502}]
    found += [f"it does not see {change}" for change in wrong if not complaints(good, **change)]
    for what, data in {"a chunk that does not end": good.replace(b"abc\r\n", b"abcx\r\n"),
                       "a wrong size": good.replace(b"\r\n3\r\n", b"\r\nz\r\n"),
                       "no HTTP": good.replace(b"HTTP/", b"RTSP/")}.items():
        found += [] if complaints(data) else [f"it does not see {what}"]
    return found
