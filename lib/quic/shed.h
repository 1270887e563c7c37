/* SPDX-License-Identifier: MIT */
/* shed.h: how short memory is, and what is let go of then. */
#ifndef H3EDGE_LIB_QUIC_SHED_H
#define H3EDGE_LIB_QUIC_SHED_H

#include "quic/commons.h"

/* What is so now, by the memory of all connections. */
h3edge__shortage h3edge__shed_stage(h3edge__commons *commons);
/* Lets go of as much as the stage asks for, a little at a time. True: connections have got something to do by it; when
 * they have had their turns it is to be called again. */
bool h3edge__shed(h3edge__commons *commons);

#endif
