/* SPDX-License-Identifier: MIT */
/*
 * mmap, munmap, mremap, brk and sbrk with known totals.
 * A perfect report says:
 * truth: leak leak_map 0 0
 * leak_map keeps 2 mappings (16384 and 8192 bytes), partly_unmap keeps 8192 bytes in two pieces of one
 * mapping, grow_map keeps one of 1 MB that began as 4096 bytes, file_map keeps one file mapping of a
 * page, churn_maps keeps none of its 100, sbrk_grow moves the break by 65536 and back by 16384.
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int bad;

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		bad++;
		return NULL;
	}
	p[0] = p[size - 1] = 1;
	return p;
}

static void leak_map(void)
{
	map(16384);
	map(8192);
}

static void partly_unmap(void)
{
	char *p = map(16384);

	bad += munmap(p + 4096, 8192) != 0;
	p[0] = p[12288] = 2;
}

static void grow_map(void)
{
	char *p = map(4096), *q;

	q = mremap(p, 4096, 65536, MREMAP_MAYMOVE);
	bad += q == MAP_FAILED || q[0] != 1;
	p = map(1048576);
	q = mremap(q, 65536, 1048576, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	bad += q != p || q[0] != 1;
	q[1048575] = 3;
}

static void file_map(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	bad += p == MAP_FAILED || memcmp(p, "\177ELF", 4) != 0;
}

static void churn_maps(void)
{
	int i;

	for (i = 0; i < 100; i++)
		bad += munmap(map(40960), 40960) != 0;
}

static void fixed_over(void)
{
	char *p = map(12288);

	bad += mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	       p + 4096;
	bad += p[0] != 1 || p[4096] != 0;
	bad += munmap(p, 12288) != 0;
}

static void sbrk_grow(void)
{
	char *before = sbrk(0);

	bad += sbrk(65536) != before;
	before[0] = before[65535] = 1;
	bad += sbrk(-16384) != before + 65536;
	bad += sbrk(0) != before + 49152;
	bad += brk(before) != 0 || sbrk(0) != before;
	bad += sbrk(65536 - 16384) != before;
}

int main(void)
{
	sbrk_grow();
	leak_map();
	partly_unmap();
	grow_map();
	file_map();
	churn_maps();
	fixed_over();
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("mmap_events: %d bad\n", bad);
	return bad != 0;
}
