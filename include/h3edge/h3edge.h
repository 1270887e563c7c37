/* SPDX-License-Identifier: MIT */
/* h3edge.h: the whole of libh3edge. The libuv binding is a library of its own, see uv.h. */
#ifndef H3EDGE_H3EDGE_H
#define H3EDGE_H3EDGE_H

#include <h3edge/base.h>
#include <h3edge/gateway.h>
#include <h3edge/link.h>
#include <h3edge/replay.h>
#include <h3edge/request.h>
#include <h3edge/server.h>
#include <h3edge/upstream.h>
#include <h3edge/version.h>

#endif
