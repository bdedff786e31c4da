// SPDX-License-Identifier: GPL-2.0
/*
 * What does the kernel have, that programs of BPF are made of?
 *
 * Much of it is freed when a grace period of RCU is over, or by a worker. So it is
 * looked at again and again, until it is what it was; not for ever, though.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "soak.h"

#define PATIENCE 60		/* seconds */

int write_setting(const char *path, long value)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CLOEXEC), size = snprintf(text, sizeof(text), "%ld\n", value);
	int failed = fd < 0 || write(fd, text, size) != size;

	if (fd >= 0)
		close(fd);
	return failed ? -1 : 0;
}

long read_setting(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '-';
	close(fd);
	return atol(text);
}

static long count_ids(int command)
{
	union bpf_attr attr = { 0 };
	long count = 0;

	while (!bpf(command, &attr)) {
		attr.start_id = attr.next_id;
		count++;
	}
	return count;
}

/* "0x...-0x...    8192 caller+0x10/0x20 pages=1 vmalloc" */
static void read_areas(struct balance *now)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char line[512], name[56];
	long bytes;
	int i;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %ld %55[^+ \n]", &bytes, name) != 2)
			continue;
		for (i = 0; i < now->callers && strcmp(now->caller[i].name, name); i++)
			;
		if (i == CALLERS)
			continue;
		if (i == now->callers)
			strcpy(now->caller[now->callers++].name, name);
		now->caller[i].count++;
		now->caller[i].bytes += bytes;
		/* Who is named as its caller depends on what the compiler has inlined. */
		if (!strcmp(name, "bpf_jit_binary_alloc") || !strncmp(name, "execmem_", 8)) {
			now->images++;
			now->image_bytes += bytes;
		}
	}
	if (file)
		fclose(file);
}

/* The slabs that have no object are given back, so that what remains is what is in use. */
static void shrink_caches(void)
{
	DIR *caches = opendir("/sys/kernel/slab");
	struct dirent *entry;
	char path[300];

	write_setting("/proc/sys/vm/drop_caches", 3 | 4 /* and say nothing */);
	while (caches && (entry = readdir(caches))) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", entry->d_name);
		if (entry->d_name[0] != '.')
			write_setting(path, 1);
	}
	if (caches)
		closedir(caches);
}

static void read_caches(struct balance *now)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[512], name[40];
	long objects, size;

	while (file && now->caches < CALLERS && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%39s %ld %*d %ld", name, &objects, &size) != 3)
			continue;
		strcpy(now->cache[now->caches].name, name);
		now->cache[now->caches].objects = objects;
		now->cache[now->caches++].size = size;
		now->slab += objects * size;
	}
	if (file)
		fclose(file);
}

static long read_percpu(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kilobytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Percpu: %ld", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static long count_tasks(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	long count = 0;

	while (processes && (entry = readdir(processes)))
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
	if (processes)
		closedir(processes);
	return count;
}

static void look(struct balance *now)
{
	memset(now, 0, sizeof(*now));
	now->programs = count_ids(BPF_PROG_GET_NEXT_ID);
	now->maps = count_ids(BPF_MAP_GET_NEXT_ID);
	now->links = count_ids(BPF_LINK_GET_NEXT_ID);
	now->types = count_ids(BPF_BTF_GET_NEXT_ID);
	now->percpu = read_percpu();
	now->tasks = count_tasks();
	read_areas(now);
	shrink_caches();
	read_caches(now);
}

/* Notes what is not as it was; gives the number of such. */
static long note(char *text, int size, const char *name, long was, long is)
{
	int length = strlen(text);

	if (was != is)
		snprintf(text + length, size - length, " %s %+ld (%ld)", name, is - was, is);
	return was != is;
}

static long compare_areas(const struct balance *was, const struct balance *now, char *text, int size)
{
	long found = 0;
	int i, j;

	for (i = 0; i < now->callers; i++) {
		for (j = 0; j < was->callers && strcmp(was->caller[j].name, now->caller[i].name); j++)
			;
		found += note(text, size, now->caller[i].name, j < was->callers ? was->caller[j].bytes : 0,
			      now->caller[i].bytes);
	}
	for (j = 0; j < was->callers; j++) {
		for (i = 0; i < now->callers && strcmp(was->caller[j].name, now->caller[i].name); i++)
			;
		if (i == now->callers)
			found += note(text, size, was->caller[j].name, was->caller[j].bytes, 0);
	}
	return found;
}

/*
 * What is in these caches although programs are gone, or is not there any more:
 *
 * - The network's core keeps some of its packets, per CPU, where it has freed them: up to
 *   64 (NAPI_SKB_CACHE_SIZE in net/core/skbuff.c).
 * - Numbers of processes and of programs go round: those in use are in other nodes of
 *   their trees.
 * - Workers of the kernel end when they have had nothing to do for minutes, and others
 *   begin. Each has an object of some caches, and up to four of a few: more only where
 *   there are more tasks, fewer only where there are fewer.
 *
 * With as many tasks as before all other caches are exact.
 */
static int is_near(const char *name, long more, long more_tasks)
{
	if (!strncmp(name, "skbuff_", 7))
		return -64 <= more && more <= 64;
	if (!strcmp(name, "radix_tree_node"))
		return -4 <= more && more <= 4;
	return more_tasks < 0 ? 4 * more_tasks <= more && more <= 0 : 0 <= more && more <= 4 * more_tasks;
}

static long compare_caches(const struct balance *was, const struct balance *now, char *text, int size)
{
	long found = 0;
	int i, j;

	for (i = 0; i < now->caches; i++)
		for (j = 0; j < was->caches; j++)
			if (!strcmp(was->cache[j].name, now->cache[i].name) &&
			    !is_near(now->cache[i].name, now->cache[i].objects - was->cache[j].objects,
				     now->tasks - was->tasks))
				found += note(text, size, now->cache[i].name, was->cache[j].objects,
					      now->cache[i].objects);
	return found;
}

long differences(const struct balance *was, const struct balance *now, enum part part, char *text, int size)
{
	text[0] = 0;
	switch (part) {
	case PROGRAMS:
		return note(text, size, "programs", was->programs, now->programs);
	case MAPS_OF_THEM:
		return note(text, size, "maps", was->maps, now->maps);
	case LINKS:
		return note(text, size, "links", was->links, now->links);
	case TYPES:
		return note(text, size, "types", was->types, now->types);
	case IMAGES:
		return note(text, size, "images", was->images, now->images) +
		       note(text, size, "bytes", was->image_bytes, now->image_bytes);
	case AREAS:
		return compare_areas(was, now, text, size);
	case PERCPU:
		return note(text, size, "kB", was->percpu, now->percpu);
	case CACHES:
		return compare_caches(was, now, text, size);
	default:
		return 0;
	}
}

static int is_same(const struct balance *was, const struct balance *now)
{
	char text[2000];
	int part;

	for (part = 0; part < PARTS; part++)
		if (differences(was, now, part, text, sizeof(text)))
			return 0;
	return 1;
}

void take_balance(struct balance *now, const struct balance *was)
{
	static struct balance before;
	int seconds, still = 0;

	look(now);
	for (seconds = 0; seconds < PATIENCE && still < 5; seconds++) {
		if (was && is_same(was, now))
			return;
		before = *now;
		if (seconds % 30 == 29)
			say("not yet as before");
		rest(1000);
		look(now);
		/* Without anything to come back to: until it stays for five seconds. */
		still = !was && is_same(&before, now) ? still + 1 : 0;
	}
}
