// SPDX-License-Identifier: GPL-2.0
/*
 * What must a guest have for the selftests, besides its root directory?
 */

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "results.h"

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL))
		printf("cannot mount %s at %s: errno %d\n", type, path, errno);
}

/* The loopback device is down in the beginning. */
static void set_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int socket_ = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(socket_, SIOCSIFFLAGS, &request))
		printf("cannot set up lo: errno %d\n", errno);
	close(socket_);
}

void prepare_system(void)
{
	static const char *const directories[] = { "/mnt", "/run", "/var", "/var/run", "/etc", "/bin" };
	unsigned int i;

	for (i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		mkdir(directories[i], 0755);
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/dev/shm");
	mount_at("tmpfs", "/tmp");
	mount_at("bpf", "/sys/fs/bpf");
	mount_at("tracefs", "/sys/kernel/tracing");
	mount_at("cgroup2", "/sys/fs/cgroup");
	set_up_loopback();
}
