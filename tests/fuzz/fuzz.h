/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A fuzz target is one file with this one function. Under `make fuzz` libFuzzer calls it; in the other builds replay.c
 * does, with the files of tests/fuzz/corpus/NAME, so that `make check` knows every finding of the past.
 * A broken promise of the code is a BUG_ON().
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
