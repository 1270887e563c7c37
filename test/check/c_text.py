# SPDX-License-Identifier: MIT
"""Reading C as text: without its comments and literals, function by function."""
import re

# Either of the two kinds of comments, or a literal: whichever begins first.
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# The tree is formatted: a function ends its first lines with "{" and stands alone with "}" at the margin.
FUNCTION = re.compile(r"^(?!typedef|struct|enum|union|extern)(\w[^;={}]*?\b(\w+)\([^;{}]*\)) \{\n(.*?)^\}", re.M | re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.M)


def blank(match):
    """As many lines as before, and nothing on them; literals stay as empty ones."""
    text = match.group()
    return "\n" * text.count("\n") if text[0] == "/" else text[0] * 2


def bare(text):
    return TOKEN.sub(blank, text)


def comments(text):
    return [match.group() for match in TOKEN.finditer(text) if match.group()[0] == "/"]


def functions(text):
    """Name and number of lines of each function."""
    return [(match.group(2), match.group().count("\n") + 1) for match in FUNCTION.finditer(bare(text))]


def includes(text):
    """As they are written, with their quotes or brackets. Comments go first, but not literals: these are some."""
    return INCLUDE.findall(COMMENT.sub("", text))
