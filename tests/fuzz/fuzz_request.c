/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A request of the control socket: any octets to words, the words to a verb with its values. */
#include <stdlib.h>

#include "base/log.h"
#include "cmd/evpnd/request.h"
#include "cmd/verb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *r = xcalloc(1, sizeof(*r));
	char error[VERB_ERROR_MAX];
	struct verb_args args;

	if (!request_parse((const char *)data, size, r)) {
		for (size_t i = 0; i < r->argc; i++)
			BUG_ON(r->argv[i] < r->text || r->argv[i] >= r->text + sizeof(r->text));
		if (verb_parse(r->argv, r->argc, &args, error))
			BUG_ON(!error[0]);
		else
			BUG_ON(args.id >= VERB_N);
	}
	free(r);
	return 0;
}
