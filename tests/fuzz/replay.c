/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A main() for fuzz targets without libFuzzer: the empty input, then files and folders of them, so that every compiler
 * and sanitizer replays what fuzzing has found, or the one file that a fuzzer left. Without a file it fails.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "tests/fuzz/fuzz.h"

/* In an allocation of exactly its size, so that a sanitizer sees a read beyond it. */
static bool replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		return false;
	}
	data = xcalloc(1, (size_t)st.st_size + !st.st_size);
	n = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return true;
}

static size_t replay(const char *path)
{
	struct dirent **list;
	size_t n = 0;
	char *sub;
	int k = scandir(path, &list, NULL, alphasort);

	if (k < 0)
		return replay_file(path);
	for (int i = 0; i < k; i++) {
		if (list[i]->d_name[0] != '.' && asprintf(&sub, "%s/%s", path, list[i]->d_name) > 0) {
			n += replay(sub);
			free(sub);
		}
		free(list[i]);
	}
	free(list);
	return n;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	LLVMFuzzerTestOneInput(NULL, 0);
	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	printf("%s: %zu inputs\n", argv[0], n);
	return n == 0;
}
