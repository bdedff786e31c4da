/* SPDX-License-Identifier: GPL-2.0 */
/* What configure would find out for libelf: this is for glibc and GCC only. */

#include <stddef.h>

#define PACKAGE_NAME "elfutils"
#define PACKAGE_VERSION "0"
#define ENABLE_NLS 0
#define HAVE_ERROR_H 1
#define HAVE_ERR_H 1
#define HAVE_DECL_MMAP64 0
#define HAVE_DECL_RAWMEMCHR 1
#define HAVE_DECL_REALLOCARRAY 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_VISIBILITY 1
#define HAVE_FALLTHROUGH 1
#define SIZEOF_LONG 4

#include <eu-config.h>
