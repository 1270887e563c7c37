/* SPDX-License-Identifier: MIT */
/* address.h: what the library itself wants of addresses, beside what base.h gives to everybody. */
#ifndef H3EDGE_LIB_UTIL_ADDRESS_H
#define H3EDGE_LIB_UTIL_ADDRESS_H

#include <h3edge/base.h>

/* The address as it is meant: one of IPv4 that is mapped into IPv6, as an IPv4 client has it on an IPv6 socket (RFC
 * 4291 2.5.5.2), as IPv4; any other as it is. Datagrams still go by the address as it came. */
h3edge_address h3edge__address_plain(const h3edge_address *address);

#endif
