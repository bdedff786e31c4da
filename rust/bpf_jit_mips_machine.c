// SPDX-License-Identifier: GPL-2.0
/*
 * What the eBPF JIT in Rust asks of the machine: where memory is, and how a
 * processor knows its number.
 */

#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/memblock.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <asm/addrspace.h>

#include "bpf_jit_mips_shim.h"

static int extend_ram(unsigned long pfn, unsigned long pages, void *data)
{
	u64 *end = data;

	/* Ranges may touch. */
	if (*end && *end != PFN_PHYS((u64)pfn))
		return 1;
	*end = PFN_PHYS((u64)pfn + pages);
	return 0;
}

/*
 * Of the lowest 512 MiB, which KSEG0 has, the bytes up to the end of RAM, or
 * to the first hole in it: there a board may have devices.
 */
static u32 low_bytes(u64 last)
{
	unsigned long first = PFN_DOWN(PHYS_OFFSET);
	u64 end = 0;

	if (PHYS_OFFSET >= SZ_512M)
		return 0;
	walk_system_ram_range(first, last - first, &end, extend_ram);
	return min_t(u64, end ?: PFN_PHYS(last), SZ_512M);
}

#ifdef CONFIG_32BIT

/*
 * There is RAM in KSEG0, and KSEG1; the rest of it, high memory, is mapped for
 * a while behind vmalloc space. But for that nothing is there that a pointer
 * leads to, and a fault could wait for a lock of the process.
 */
void bpf_jit_mips_find_memory(struct bpf_jit_mips_memory *memory)
{
	unsigned long mapped_end = VMALLOC_END;

	if (IS_ENABLED(CONFIG_HIGHMEM))
		mapped_end = -MAX_ERRNO;
	*memory = (struct bpf_jit_mips_memory){
		.mapped = KSEG2,
		.mapped_bytes = mapped_end - KSEG2,
		.low_bytes = low_bytes(max_low_pfn),
	};
}

#else /* !CONFIG_32BIT */

/*
 * RAM begins at PHYS_OFFSET and has ended at max_pfn. Of what is mapped, the
 * first pages, which vmalloc does not use, are none that could be there: a
 * start without them takes images fewer instructions.
 */
void bpf_jit_mips_find_memory(struct bpf_jit_mips_memory *memory)
{
	u64 end = PFN_PHYS((u64)max_pfn);

	memory->ram = PAGE_OFFSET;
	memory->ram_bytes = end - PHYS_OFFSET;
	memory->mapped = MAP_BASE;
	memory->mapped_bytes = VMALLOC_END - MAP_BASE;
	memory->low_bytes = low_bytes(max_pfn);
}

#endif /* CONFIG_32BIT */

bool bpf_jit_mips_find_processors(struct bpf_jit_mips_processors *processors)
{
#ifdef CONFIG_SMP
	processors->number = offsetof(struct thread_info, cpu);
	processors->offsets = (unsigned long)__per_cpu_offset;
	return true;
#else
	return false;
#endif
}
