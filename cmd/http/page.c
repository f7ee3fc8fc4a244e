/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The page is a part of the program. A script in it runs only with the number that this reply
 * has made up (the nonce of a content security policy), and it can talk to nobody but us.
 */
#include "cmd/http/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

#define NONCE "@NONCE-GOES-HERE@"

extern const char http_page_text[], http_page_end[];
__asm__(".section .rodata\n"
	".global http_page_text\n"
	".global http_page_end\n"
	"http_page_text:\n"
	".incbin \"cmd/http/status.html\"\n"
	"http_page_end:\n"
	".byte 0\n"
	".previous\n");

enum MHD_Result http_page(struct MHD_Connection *c)
{
	size_t len = (size_t)(http_page_end - http_page_text);
	char nonce[sizeof(NONCE)], policy[400], *at;
	struct MHD_Response *r;
	uint64_t random;
	char *page = xcalloc(1, len + 1);

	BUG_ON(getrandom(&random, sizeof(random), 0) != sizeof(random));
	snprintf(nonce, sizeof(nonce), "%0*" PRIx64, (int)sizeof(nonce) - 1, random);
	memcpy(page, http_page_text, len);
	for (at = page; (at = strstr(at, NONCE));)
		memcpy(at, nonce, sizeof(nonce) - 1);
	snprintf(policy, sizeof(policy),
		 "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; img-src data:; "
		 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		 nonce, nonce);
	r = MHD_create_response_from_buffer(len, page, MHD_RESPMEM_MUST_FREE);
	if (!r)
		BUG("no memory for a reply");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
	MHD_add_response_header(r, "Content-Security-Policy", policy);
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	return http_reply(c, MHD_HTTP_OK, r);
}
