#include <errno.h>
#include <sys/resource.h>

#include "rdma/qp.h"

static int no_memory(size_t len, struct err *err)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_MEMLOCK, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		return err_set(err, -ENOMEM, REASON_NO_MEMORY,
			       "cannot register %zu bytes: only %llu may be "
			       "locked (ulimit -l unlimited, or memlock in "
			       "/etc/security/limits.conf)",
			       len, (unsigned long long)limit.rlim_cur);
	return err_set(err, -ENOMEM, REASON_NO_MEMORY,
		       "cannot register %zu bytes: not enough memory to pin",
		       len);
}

int rdma_mr_create(struct ibv_mr **mr, struct ibv_pd *pd, void *addr,
		   size_t len, unsigned access, struct err *err)
{
	int e;

	errno = 0;
	/* What the ibv_reg_mr macro calls for flags known at run time only:
	 * it drops the optional ones a kernel does not know. */
	*mr = ibv_reg_mr_iova2(pd, addr, len, (uintptr_t)addr, access);
	if (*mr)
		return 0;
	e = errno ? errno : EIO;
	if (e == ENOMEM)
		return no_memory(len, err);
	if (e == EOPNOTSUPP)
		return err_set(err, -e, REASON_DEVICE_LIMIT,
			       "%s does not register %zu bytes of this memory: "
			       "the kernel pins no pages of a DAX file system; "
			       "device DAX can be registered",
			       pd->context->device->name, len);
	if (e == EFAULT)
		return err_set(err, -e, REASON_DEVICE_LIMIT,
			       "%s does not register %zu bytes of this memory: "
			       "not mapped, read-only, or pages of a file",
			       pd->context->device->name, len);
	return err_sys(err, -e, "%s does not register %zu bytes",
		       pd->context->device->name, len);
}
