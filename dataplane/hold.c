/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void hold_fini(struct hold *h)
{
	free(h->at);
	*h = (struct hold){ 0 };
}

void hold_put(struct hold *h, const void *of, const uint8_t *frame, size_t len, struct mtime now)
{
	struct hold_frame *f;

	if (len > HOLD_OCTETS || len < 14)
		return;
	if (!h->at)
		h->at = xcalloc(HOLD_FRAMES, sizeof(*h->at));
	f = &h->at[h->next++ % HOLD_FRAMES];
	f->of = of;
	f->since = now;
	f->len = (uint16_t)len;
	memcpy(f->frame, frame, len);
}

void hold_release(struct hold *h, const void *of, const struct mac *mac, struct mtime now,
		  void (*fn)(void *ctx, const uint8_t *frame, size_t len), void *ctx)
{
	for (unsigned i = 0; h->at && i < HOLD_FRAMES; i++) {
		struct hold_frame *f = &h->at[(h->next + i) % HOLD_FRAMES];

		if (f->of != of || memcmp(f->frame, mac->b, sizeof(mac->b)) != 0)
			continue;
		f->of = NULL;
		if (mtime_diff_us(f->since, now) < HOLD_MS * 1000)
			fn(ctx, f->frame, f->len);
	}
}

void hold_forget(struct hold *h, const void *of)
{
	for (unsigned i = 0; h->at && i < HOLD_FRAMES; i++)
		if (h->at[i].of == of)
			h->at[i].of = NULL;
}
