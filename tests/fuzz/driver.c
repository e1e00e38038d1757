/* SPDX-License-Identifier: MIT */
/*
 * driver.c - runs a fuzz target over files, with any compiler and without libFuzzer: for corpora and regressions.
 *
 * usage: TARGET FILE|DIRECTORY...   A directory stands for the files in it. Prints how many inputs ran; the name of the
 * input that is running is kept in `driver_input` for the one who looks at a core. Exit status 1 if there was none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern char driver_input[4096];
char driver_input[4096];

static unsigned long inputs;

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 ||
	    fseek(file, 0, SEEK_SET)) {
		perror(path);
		return -1;
	}
	/* Exactly as long as the input, so that a sanitizer sees a read behind it. */
	data = malloc((size_t)size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		return -1;
	}
	fclose(file);
	snprintf(driver_input, sizeof(driver_input), "%s", path);
	if (getenv("FUZZ_VERBOSE"))
		fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	inputs++;
	return 0;
}

static int run_directory(const char *path)
{
	char name[4096];
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), status = 0, i;

	if (count < 0) {
		perror(path);
		return -1;
	}
	for (i = 0; i < count; i++) {
		struct stat info;

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (stat(name, &info) == 0 && S_ISREG(info.st_mode) && run_file(name))
			status = -1;
		free(entries[i]);
	}
	free(entries);
	return status;
}

int main(int argc, char **argv)
{
	int status = 0, i;

	for (i = 1; i < argc; i++) {
		struct stat info;

		if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? run_directory(argv[i])
								       : run_file(argv[i]))
			status = 1;
	}
	printf("%lu inputs\n", inputs);
	return inputs ? status : 1;
}
