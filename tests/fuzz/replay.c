/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A main() for fuzz targets without libFuzzer: gives each file of the directories named to the target, once, so that
 * every compiler and sanitizer replays what fuzzing has found. Ends by the target's abort or with 0.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = xcalloc(FILE_MAX, 1);
	uint8_t *exact;
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, FILE_MAX, f);
	fclose(f);
	exact = memcpy(xcalloc(n, 1), data, n); /* of its own size, so that a read beyond it is seen */
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(data);
}

static unsigned replay_directory(const char *path)
{
	unsigned n = 0;
	DIR *d = opendir(path);

	for (struct dirent *e; d && (e = readdir(d));) {
		char file[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		replay_file(file);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	unsigned n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_directory(argv[i]);
	LLVMFuzzerTestOneInput(NULL, 0);
	printf("replayed %u files and the empty one\n", n);
	return 0;
}
