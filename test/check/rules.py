# SPDX-License-Identifier: MIT
"""The layers, and what each may stand on. lib/README.md says the same in words."""

# layer: the layers whose internal headers and functions it may use
BELOW = {
    "util": set(),
    "quic": {"util"},
    "request": {"util"},
    "replay": {"util"},
    "h3": {"quic", "request", "replay", "util"},
    "link": {"util"},
    "upstream": {"link", "util"},
    "gateway": {"util"},
    "uv": set(),
}

# how a library begins its headers and its symbols: the layers that may use it; in lib/link only its files named tls
LIBRARIES = {
    "ngtcp2": {"quic"},
    "gnutls": {"quic", "link"},
    "nghttp3": {"h3"},
    "llhttp": {"upstream"},
    "uv": {"uv"},
}
