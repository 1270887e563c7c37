# SPDX-License-Identifier: MIT
"""What is to become of a request: our own reading of RFC 9114 4, RFC 9110 and the tables of the gateway, written
without a look at its code. A request is the frames that were sent on its stream and how that ended."""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+\-.]*")
# RFC 3986 3.3 and 3.4, and what browsers leave as it is: `|` anywhere, and \ ^ ` { } in a query.
PATH = re.compile(rb"/[!$%&'()*+,\-./0-9:;=@A-Z\[\]_a-z|~]*(?:\?[!$-;=?-~]*)?")
# RFC 3986 3.2 without userinfo, which RFC 9114 4.3.1 forbids, and without IPvFuture.
AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[!$&'()*+,\-.0-9;=A-Z_a-z~]|%[0-9A-Fa-f]{2})+)"
                       rb"(?::(?P<port>[0-9]+))?")

HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
PSEUDO = {b":method", b":scheme", b":authority", b":path"}
LENGTH_MAX = 2 ** 62 - 1
SECTION_MAX, LINES_MAX = 32 << 10, 128
NAME_MAX = 256  # in nghttp3

# RFC 9110 6.5.1: malformed in trailers; and what is left out of them on the way.
TRAILERS_FORBIDDEN = {b"authorization", b"content-encoding", b"content-length", b"content-range", b"content-type",
                      b"cookie", b"early-data", b"expect", b"host", b"max-forwards", b"range", b"te", b"trailer"}
TRAILERS_DROPPED = re.compile(
    rb"content-length|host|te|trailer|transfer-encoding|connection|keep-alive|upgrade|cache-control|early-data|expect|"
    rb"if-.*|max-forwards|pragma|range|authorization|cookie|proxy|proxy-.*|set-cookie|www-authenticate|age|date|"
    rb"expires|location|retry-after|vary|content-encoding|content-range|content-type|forwarded|via|x-forwarded-.*|"
    rb"x-real-ip")
# An underscore is a hyphen to CGI, so it is one here.
DROPPED = re.compile(
    rb"host|content-length|te|transfer-encoding|connection|keep-alive|upgrade|http2-settings|proxy|proxy-.*|forwarded|"
    rb"x-forwarded-.*|x-real-ip|via|early-data")

FORWARD, MALFORMED, REFUSED, UNFINISHED, CONNECTION_ERROR = "forward", "malformed", "refused", "unfinished", "fatal"


@dataclass
class Verdict:
    kind: str
    why: str = ""
    statuses: set = field(default_factory=set)  # of an answer by the edge itself
    method: bytes = b""
    path: bytes = b""
    authority: bytes = b""
    lines: list = field(default_factory=list)
    length: int | None = None
    content: bytes = b""
    trailers: list = field(default_factory=list)
    head_is_fine: bool = False


def twin(name):
    return name.replace(b"_", b"-")


def line_fault(name, value):
    if not NAME.fullmatch(name):
        return "name"
    if not VALUE.fullmatch(value):
        return "value"
    return "of one connection" if name in HOP_BY_HOP else None


def is_authority(text):
    match = AUTHORITY.fullmatch(text)
    return bool(match) and int(match["port"] or 0) <= 65535


def is_too_large(lines):
    return len(lines) > LINES_MAX or sum(len(n) + len(v) + 32 for n, v in lines) > SECTION_MAX or any(
        len(n) > NAME_MAX for n, v in lines)


def read_regular(verdict, lines):
    hosts = []
    for name, value in lines:
        fault = line_fault(name, value)
        if fault:
            return fault
        if name == b"te" and value.lower() != b"trailers":
            return "te"
        if name == b"host":
            hosts.append(value)
        if name == b"content-length":
            if verdict.length is not None or not re.fullmatch(rb"[0-9]+", value) or int(value) > LENGTH_MAX:
                return "content-length"
            verdict.length = int(value)
    if len(hosts) > 1:
        return "several hosts"
    verdict.authority = hosts[0] if hosts else None
    return None


def read_head(verdict, lines):
    """A fault, or None."""
    split = next((i for i, (name, value) in enumerate(lines) if not name.startswith(b":")), len(lines))
    pseudo = dict(lines[:split])
    verdict.lines = lines[split:]
    if len(pseudo) < split or not set(pseudo) <= PSEUDO or any(name.startswith(b":") for name, value in verdict.lines):
        return "pseudo-header fields"
    fault = read_regular(verdict, verdict.lines)
    if fault:
        return fault
    verdict.method, verdict.path = pseudo.get(b":method", b""), pseudo.get(b":path", b"")
    if not TOKEN.fullmatch(verdict.method):
        return ":method"
    if verdict.method == b"CONNECT":
        authority = pseudo.get(b":authority", b"")
        if {b":scheme", b":path"} & set(pseudo) or not is_authority(authority) or not re.search(rb":\d+$", authority):
            return "CONNECT"
        verdict.statuses.add(501)
        return None
    if not SCHEME.fullmatch(pseudo.get(b":scheme", b"")):
        return ":scheme"
    if not PATH.fullmatch(verdict.path) and not (verdict.method == b"OPTIONS" and verdict.path == b"*"):
        return ":path"
    host = verdict.authority
    verdict.authority = pseudo.get(b":authority", host)
    if verdict.authority is None or not is_authority(verdict.authority) or host not in (None, verdict.authority):
        return ":authority"
    if pseudo[b":scheme"].lower() != b"https":
        verdict.statuses.add(421)
    if verdict.method == b"TRACE":
        verdict.statuses.add(405)
    return None


def trailers_fault(lines):
    for name, value in lines:
        if name.startswith(b":"):
            return "pseudo-header field in trailers"
        fault = line_fault(name, value)
        if fault:
            return fault
        if name in TRAILERS_FORBIDDEN:
            return "not for trailers"
    return None


def read_frames(request):
    """The head, the content, the trailers, and whether the order of frames ends the connection (RFC 9114 4.1, 7.2)."""
    head, content, trailers, fatal = None, b"", None, False
    for frame in request["frames"]:
        if isinstance(frame, list):  # a field section
            if head is None:
                head = frame
            elif trailers is None:
                trailers = frame
            else:
                fatal = True
        elif frame[0] == 0:
            fatal |= head is None or trailers is not None
            content += frame[1] if not fatal else b""
        elif frame[0] < 0x21:
            fatal = True
        if fatal:
            break
    return head, content, trailers, fatal or bool(request["cut"])


def judge(request):
    head, content, trailers, fatal = read_frames(request)
    verdict = Verdict(FORWARD, content=content)
    if fatal and any(isinstance(frame, list) and is_too_large(frame) for frame in request["frames"]):
        verdict.statuses.add(431)  # which comes first, when both are in one packet
    if head is None:
        verdict.kind, verdict.why = (CONNECTION_ERROR, "frames") if fatal else (MALFORMED, "no head")
        return verdict
    fault = read_head(verdict, head)
    if is_too_large(head):
        verdict.statuses.add(431)
    verdict.head_is_fine = not fault and not verdict.statuses
    if not fault and verdict.length not in (None, len(content)):
        fault = "content unlike its length"
    if not fault and trailers is not None:
        fault = trailers_fault(trailers)
        if is_too_large(trailers):
            fault = "trailers too large"
    verdict.trailers = [(n, v) for n, v in trailers or [] if not TRAILERS_DROPPED.fullmatch(twin(n))]
    verdict.why = fault or ""
    if fatal:
        verdict.kind = CONNECTION_ERROR
    elif fault:
        verdict.kind = MALFORMED
    elif verdict.statuses:
        verdict.kind = REFUSED
    if request["reset"]:
        verdict.kind = UNFINISHED
    return verdict


def expected_fields(verdict, peer):
    """The fields that the origin sees, without those that frame the content: name -> values, in order."""
    lines = [(b"host", verdict.authority)]
    cookies = [value for name, value in verdict.lines if name == b"cookie"]
    vias = [value for name, value in verdict.lines if name == b"via" and value]
    for name, value in verdict.lines:
        if name == b"cookie":
            if cookies:
                lines.append((name, b"; ".join(value for value in cookies if value)))
            cookies = []
        elif not DROPPED.fullmatch(twin(name)):
            lines.append((name, value))
    if any(twin(name) == b"early-data" for name, value in verdict.lines):
        lines.append((b"early-data", b"1"))
    lines += [(b"via", b", ".join(vias + [b"3 h3edge"])), (b"x-forwarded-for", peer), (b"x-forwarded-proto", b"https"),
              (b"x-forwarded-host", verdict.authority)]
    return by_name(lines)


def by_name(lines):
    fields = {}
    for name, value in lines:
        fields.setdefault(name.lower(), []).append(value)
    return fields
