/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program without a libc needs on o32: system calls and a few string
 * functions. The first two are the only assembly besides the entry point.
 */

#define NR(n) (4000 + (n))
#define NR_exit NR(1)
#define NR_read NR(3)
#define NR_write NR(4)
#define NR_open NR(5)
#define NR_close NR(6)
#define NR_execve NR(11)
#define NR_mount NR(21)
#define NR_dup2 NR(63)
#define NR_reboot NR(88)
#define NR_wait4 NR(114)
#define NR_clone NR(120)
#define NR_delete_module NR(129)
#define NR_nanosleep NR(166)
#define NR_pipe2 NR(328)
#define NR_finit_module NR(348)

#define SIGCHLD 18

#define O_WRONLY 1
#define O_TRUNC 0x200
#define POWER_OFF 0x4321fedcUL

typedef unsigned long size_t;

/* Release 6 has no HI and LO. */
#if __mips_isa_rev < 6
#define CLOBBERS_HI_LO "hi", "lo",
#else
#define CLOBBERS_HI_LO
#endif

/* The o32 kernel ABI: number and result in v0, failure flag in a3. */
static long syscall4(long number, long a, long b, long c, long d)
{
	register long v0 __asm__("$2") = number;
	register long a0 __asm__("$4") = a;
	register long a1 __asm__("$5") = b;
	register long a2 __asm__("$6") = c;
	register long a3 __asm__("$7") = d;

	__asm__ volatile("syscall"
			 : "+r"(v0), "+r"(a3)
			 : "r"(a0), "r"(a1), "r"(a2)
			 : "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13",
			   "$14", "$15", "$24", "$25", CLOBBERS_HI_LO "memory");
	return a3 ? -v0 : v0;
}

/* mount(2) has a fifth argument, on the stack; ours is always absent. */
static long mount(const char *type, const char *dir)
{
	register long v0 __asm__("$2") = NR_mount;
	register long a0 __asm__("$4") = (long)type;
	register long a1 __asm__("$5") = (long)dir;
	register long a2 __asm__("$6") = (long)type;
	register long a3 __asm__("$7") = 0;

	__asm__ volatile("addiu $sp, $sp, -32\n\t"
			 "sw $0, 16($sp)\n\t"
			 "syscall\n\t"
			 "addiu $sp, $sp, 32"
			 : "+r"(v0), "+r"(a3)
			 : "r"(a0), "r"(a1), "r"(a2)
			 : "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13",
			   "$14", "$15", "$24", "$25", CLOBBERS_HI_LO "memory");
	return a3 ? -v0 : v0;
}

/* The compiler may call these whatever we do. */
void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = c;
	return to;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int contains(const char *line, const char *word)
{
	for (; *line; line++) {
		size_t i = 0;

		while (word[i] && line[i] == word[i])
			i++;
		if (!word[i])
			return 1;
	}
	return !*word;
}

/* Cuts the next blank-delimited word off *s; what is left follows in *s. */
static char *word(char **s)
{
	char *start;

	while (**s == ' ')
		(*s)++;
	start = *s;
	while (**s && **s != ' ')
		(*s)++;
	if (**s)
		*(*s)++ = 0;
	return start;
}

static char *append(char *to, const char *s)
{
	while (*s)
		*to++ = *s++;
	*to = 0;
	return to;
}

static char *append_number(char *to, long n)
{
	char digits[12];
	int i = 0;

	if (n < 0) {
		*to++ = '-';
		n = -n;
	}
	do
		digits[i++] = '0' + n % 10;
	while (n /= 10);
	while (i)
		*to++ = digits[--i];
	*to = 0;
	return to;
}
