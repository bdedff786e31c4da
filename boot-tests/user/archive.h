/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The archive that the guest has its BPF programs in, as ar makes them.
 */

#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <ar.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Calls see() with each member of an archive. Nonzero if there is none. */
static int each_member(const char *path, void (*see)(const char *, const void *, size_t))
{
	int file = open(path, O_RDONLY);
	const char *bytes, *at, *end, *names = NULL;
	struct stat status;

	if (file < 0 || fstat(file, &status) || status.st_size < SARMAG)
		return -1;
	bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (bytes == MAP_FAILED || memcmp(bytes, ARMAG, SARMAG))
		return -1;
	end = bytes + status.st_size;
	for (at = bytes + SARMAG; at + sizeof(struct ar_hdr) <= end; ) {
		const struct ar_hdr *header = (const void *)at;
		size_t size = strtoul(header->ar_size, NULL, 10);
		const char *name = header->ar_name;
		char own[64], *member;

		at += sizeof(*header);
		if (!strncmp(name, "//", 2))
			names = at;
		else if (*name == '/' && names)
			name = names + strtoul(name + 1, NULL, 10);
		snprintf(own, sizeof(own), "%.*s", (int)strcspn(name, "/"), name);
		/* Aligned, and with an end to read text up to. */
		member = calloc(1, size + 1);
		if (!member)
			return -1;
		memcpy(member, at, size);
		if (*own)
			see(own, member, size);
		free(member);
		at += size + (size & 1);
	}
	return 0;
}

#endif
