#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first inputs of each target: seeds.py FOLDER fills FOLDER/TARGET, from test/cases where that fits. What is in
corpus/ grew out of them (run.sh)."""
import hashlib
import pathlib
import re
import sys

CASES = pathlib.Path(__file__).resolve().parent.parent / "cases"


def cases(name):
    """What goes into each case of a table: its lines."""
    text = (CASES / name).read_text()
    for case in re.split(r"^== .*\n", text, flags=re.M)[1:]:
        lines = case.split("\n->")[0].split("\n")
        yield [line for line in lines if line and not line.startswith("#")]


def field_map():
    for lines in cases("request_map.txt"):
        method, authority, path, *words = lines[0].split()
        letters = {"ended": "e", "early": "y", "trusted": "t", "forwarded": "f"}
        pseudo = [f":method: {method}", ":scheme: https", f":authority: {authority}", f":path: {path}"]
        yield "\n".join(["Q" + "".join(letters.get(word, "") for word in words), *pseudo, *lines[1:]])
    yield "\n".join(["Qe", *(f"{name}: {value}" for name, value in GET), "te: trailers", "host: a.example", "cookie: a=1"])
    for lines in cases("response_map.txt"):
        yield "\n".join(["R" + str(int(lines[0]) - 100), *lines[1:]])
    for lines in cases("trailers_map.txt"):
        yield "\n".join(["T", *lines])


def unescaped(text):
    text = re.sub(r"\{(.)\*(\d+)\}", lambda m: m[1] * min(int(m[2]), 2100), text)
    names = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", lambda m: names.get(m[1]) or chr(int(m[1][1:], 16)), text)


def h1_response():
    for number, case in enumerate(re.findall(r"^: .*\n(\S+) (.*)$", (CASES / "responses.txt").read_text(), flags=re.M)):
        method, text = case
        options = (method == "HEAD") + 2 * text.endswith("<EOF>")
        yield chr(number % 8) + chr(options) + unescaped(text.removesuffix("<EOF>"))


def rules():
    yield "GET\na.example\n/static/a?b\n* /static allow\nGET a.example/report hold\n* / reject"
    yield "POST\n[::1]:443\n/a/b\nPOST [::1]/a reject\nM-SEARCH A.example:8443/a/ hold"
    yield "GET\na.example\n/api/v1\n=/api=http://a:80,http://b:80\n=a.example/=http://unix:/run/a\n=/=http://c:80"
    yield "OPTIONS\na.example\n*\n=/=https://c:443\n* /*/x allow\nget / allow\nGET /?a allow\nGET u@h/ hold\nGET / maybe"


def tls_hello():
    def number(value):
        return value.to_bytes(2, "big")

    def extension(kind, data):
        return number(kind) + number(len(data)) + data

    groups = extension(10, number(8) + bytes.fromhex("11ec00180017001d"))
    alpn = extension(16, b"\0\3\2h3")
    parameters = extension(57, b"")
    share = extension(51, number(6) + bytes.fromhex("001d") + number(2) + b"kk")
    other_share = extension(51, number(6) + bytes.fromhex("0017") + number(2) + b"kk")
    key = number(3) + b"one" + b"\0\0\0\0"
    for extensions in (groups + alpn + parameters + share, alpn + extension(41, number(len(key)) + key), b"",
                       groups + share + alpn + parameters + extension(41, number(len(key)) + key),
                       groups + other_share + extension(41, number(2 * len(key)) + 2 * key)):
        for session_id in (b"", b"id"):
            hello = (b"\3\3" + bytes(32) + bytes([len(session_id)]) + session_id + b"\0\2\x13\1\1\0" +
                     number(len(extensions)) + extensions)
            yield hello.decode("latin-1")


def api():
    connected, received, eof, failed, closed, take, sent, poll, time, shut, ask, cancel, write, trailers, consume = range(15)
    whole = [ask, 7, poll, 0, connected, 0, poll, 0, take, 0, sent, 255, received, 0, poll, 0]
    for options in (0, 3, 24):
        yield bytes([options, *whole, time, 13, *whole[:4], take, 0, sent, 255, received, 9, poll, 0, time, 14, closed, 0])
    yield bytes([0, ask, 39, poll, 0, connected, 0, poll, 0, write, 10, take, 0, write, 138, take, 0, sent, 5, received, 3,
                 received, 4, consume, 255, received, 5, poll, 0, sent, 255, eof, 0, poll, 0, closed, 0])
    yield bytes([16, ask, 7, 16 | ask, 2, poll, 0, failed, 0, 16 | connected, 0, poll, 0, closed, 0, time, 255, poll, 0])
    yield bytes([1, ask, 7, poll, 0, time, 255, time, 255, poll, 0, closed, 0, time, 22, ask, 7, poll, 0, shut, 99])
    yield bytes([0, ask, 34, poll, 0, connected, 0, poll, 0, take, 0, received, 6, received, 1, received, 2, cancel, 0])
    yield bytes([0, ask, 7, poll, 0, connected, 0, poll, 0, take, 0, sent, 9, received, 11, poll, 0, closed, 0])


def integer(value):
    """RFC 9000 16, in two bytes."""
    return (0x4000 | value).to_bytes(2, "big")


def frame(kind, payload):
    return bytes([kind]) + integer(len(payload)) + payload


def head(*fields):
    """A HEADERS frame of literals (RFC 9204 4.5.6)."""
    lines = b""
    for name, value in fields:
        assert len(name) < 7 + 128 and len(value) < 127
        lines += b"\x27" + bytes([len(name) - 7]) if len(name) >= 7 else bytes([0x20 | len(name)])
        lines += name.encode() + bytes([len(value)]) + value.encode()
    return frame(1, b"\0\0" + lines)


GET = (":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")
POST = (":method", "POST"), *GET[1:]
SEND, SEND_FIN, UNI, UNI_FIN, RESET, STOP, ANSWER, HOLD, CREDIT, CONFIRM, SHUTDOWN, RUN = range(0, 192, 16)


def op(kind, stream, data=None):
    return bytes([kind | stream]) + (b"" if data is None else bytes([len(data)]) + data)


def h3_stream():
    control = op(UNI, 0, b"\0" + frame(4, b"\1\x40\x64\7\4\6\x48\0"))
    qpack = op(UNI, 1, b"\2") + op(UNI, 2, b"\3")
    encoder = op(UNI, 1, b"\2\x3f\xe1\x1f\x45x-one\1v")  # a table of 4,096 bytes, one line
    indexed = frame(1, b"\2\0\xd1\xd7\xc1\x50\1a\x80")
    begin = b"\0" + control + qpack
    answer = [op(ANSWER, 0)[:1] + bytes([what]) for what in range(8)]
    ok, write, end = answer[1], answer[3], bytes([ANSWER, 131])
    content = frame(0, b"0123456789")
    yield begin + op(SEND_FIN, 0, head(*GET)) + ok + end + op(RUN, 0)
    yield begin + op(SEND_FIN, 0, head(*GET, ("accept", "*/*"))) + answer[0] + bytes([ANSWER, 130]) + op(RUN, 0)
    yield begin + op(SEND, 0, head(*POST, ("content-length", "10"))) + op(SEND_FIN, 0, content) + answer[6] + answer[2]
    yield begin + op(SEND, 0, head(*POST) + content) + op(SEND_FIN, 0, head(("x-sum", "1"))) + ok + write + answer[4]
    yield begin + op(SEND, 0, head(*POST)[:20]) + op(SEND, 0, head(*POST)[20:]) + op(RESET, 0)
    yield begin + op(SEND_FIN, 0, head(*GET)) + ok + op(STOP, 0) + op(SEND_FIN, 1, head(*GET)) + answer[5] + op(RUN, 0)
    yield begin + op(HOLD, 0) + op(SEND_FIN, 0, head(*GET)) + op(CREDIT, 0) + ok + end + op(CREDIT, 0) + op(HOLD, 0)
    yield b"\2" + begin[1:] + op(SEND_FIN, 0, head(*GET)) + ok + op(HOLD, 0) + 4 * write + op(RUN, 0) + op(HOLD, 0) + end
    yield begin + op(SEND_FIN, 0, head(*GET)) + op(SHUTDOWN, 0) + op(SEND_FIN, 1, head(*GET)) + answer[2] + op(RUN, 0)
    yield begin + op(UNI, 0, frame(7, b"\0") + frame(13, b"\5") + bytes([0x80, 0x0f, 7, 0, 4, 0]) + b"u=1")
    yield b"\1" + control + qpack + op(SEND_FIN, 0, head(*GET)) + op(CONFIRM, 0) + answer[2] + op(RUN, 0)
    yield b"\1" + control + qpack + op(SEND, 0, head(*POST)) + op(RESET, 0) + op(CONFIRM, 0)
    yield b"\0" + control + op(SEND_FIN, 0, indexed) + encoder + answer[2] + op(RUN, 0)
    yield b"\0" + control + encoder + op(UNI, 2, b"\3") + op(SEND_FIN, 0, indexed) + op(UNI, 5, b"\x21grease")
    yield b"\0" + op(UNI_FIN, 0, b"\0" + frame(4, b""))
    yield begin + op(SEND_FIN, 0, head(*GET, ("transfer-encoding", "chunked")))
    yield begin + op(SEND_FIN, 0, frame(0, b"x")) + op(SEND_FIN, 1, frame(4, b""))


def datagrams():
    def bytes_of(data):
        return len(data).to_bytes(2, "little") + data

    forge, nowhere, change, wait, ask, raw, raw_uni, connect, move, weather, take_back = range(11)
    frames = (b"\x01", b"\x02\0\0\0\0", b"\x04\0\x41\x0c\0", b"\x05\0\x41\x0c", b"\x06\0\4\1\0\0\0", b"\x07\1x",
              b"\x10\x7f\xff", b"\x11\0\x7f\xff", b"\x12\x40\x64", b"\x14\0", b"\x15\0\0", b"\x17\1",
              b"\x18\5\0\x08" + bytes(24), b"\x19\0", b"\x1a" + bytes(8), b"\x1b" + bytes(8), b"\x1c\0\0\0",
              b"\x1d\x41\0\0", b"\x1e", b"\x30x", b"\x0b\4\0\x21x", b"\x0a\0" + integer(17) + head(*GET)[:17],
              b"\x0e\x02\x40\x40\1x", b"\x40\x41")
    for one in frames:
        yield b"\2" + bytes([forge]) + bytes_of(one) + bytes([wait, 5])
    yield b"\2" + bytes([ask, 0, wait, 5, ask, 255, wait, 7, ask, 2, take_back, 0, take_back, 5, wait, 8])
    yield b"\3" + bytes([ask, 1, wait, 6, move, 0, ask, 0, wait, 7, move, 3, ask, 0, wait, 8, connect, 16 | ask, 1])
    yield b"\2" + bytes([raw | 128]) + bytes_of(head(*GET)) + bytes([raw]) + bytes_of(head(*POST)) + bytes([wait, 6])
    yield b"\2" + bytes([raw_uni]) + bytes_of(b"\0" + frame(4, b"")) + bytes([raw_uni]) + bytes_of(b"\x21grease")
    yield b"\0" + bytes([change, 0, 0]) + bytes_of(b"\x01\xff\x30\x01") + bytes([change, 0, 129]) + bytes_of(b"")
    yield b"\2" + bytes([ask, 2, weather, 90, wait, 8, change, 3, 5]) + bytes_of(b"\x20\x80") + bytes([wait, 9])
    yield b"\1" + bytes([nowhere, 1]) + bytes_of(b"\xc3\0\0\0\1\x0812345678\0\0\x44\x90") + bytes([wait, 4])
    yield b"\0" + bytes([nowhere, 1]) + bytes_of(b"\xc3\x0a\x1a\x2a\x3a\x0812345678\0") + bytes([wait, 4])
    yield b"\0" + bytes([nowhere, 0]) + bytes_of(b"\x40" + bytes(40)) + bytes([wait, 4])


def url():
    for text in ("http://a.example:80", "https://a.example:443", "http://[::1]:8000", "http://unix:/run/a.sock",
                 "https://[2001:db8::1]:08443", "http://u@h:80", "http://a:80/"):
        yield "o" + text
    for text in ("127.0.0.1:443", "[::1]:443", "[::ffff:192.0.2.1]:0", "1.2.3:1", "[::1%lo]:1"):
        yield "a" + text
    for text in ("a.example", "A.example:443", "[::1]:80", "%41%zz", "a:b@c", "a:65536", "*"):
        yield "h" + text


TARGETS = (api, datagrams, field_map, h1_response, h3_stream, rules, tls_hello, url)


def main():
    for target in TARGETS:
        folder = pathlib.Path(sys.argv[1], target.__name__)
        folder.mkdir(parents=True, exist_ok=True)
        for text in target():
            data = text if isinstance(text, bytes) else text.encode("latin-1", "ignore")
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
