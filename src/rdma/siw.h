/*
 * What rdma-core's siw provider is known to get wrong, and what is done
 * against it.
 *
 * siw maps each queue into the process; the kernel gives the mappings of an
 * opened device offsets in a file, page by page, the lowest that are free.
 * The provider takes the offset 0x90000 for "none" (SIW_INVAL_UOBJ_KEY in
 * <rdma/siw-abi.h>), a remnant of the time when offsets were numbered another
 * way: whichever queue comes there, the 145th page, cannot be made, as can no
 * later one, which would come there as well.  That is the 73rd queue pair, or
 * the 49th with a completion queue each.
 */
#ifndef RDMA_SIW_H
#define RDMA_SIW_H

#include <stdint.h>

struct ibv_context;
struct ibv_cq;

/* ib_device's vendor_id (SIW_VENDOR_ID in Linux's siw.h). */
enum { SIW_VENDOR = 0x626d74 };

/* Of an opened device without queues: a completion queue that nothing uses
 * and that covers that offset, 1 MiB of the kernel's memory; to be destroyed
 * with the device.  NULL of another vendor's device, or where it cannot be
 * had: then making one queue too many says so. */
struct ibv_cq *siw_cover_offset(struct ibv_context *ctx, uint32_t vendor);

#endif
