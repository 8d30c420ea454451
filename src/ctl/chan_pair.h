/*
 * The two ends of a control channel within this program, which forks: a TCP
 * connection over 127.0.0.1, so that an own child is a server like any other.
 * The port is open to everybody on this host for the moment of connecting, so
 * whoever else calls is hung up on.
 */
#ifndef CTL_CHAN_PAIR_H
#define CTL_CHAN_PAIR_H

#include "base/err.h"

/* fd[0] called, fd[1] was called.  0, or -errno and neither is open, within
 * some seconds. */
int chan_pair(int fd[2], struct err *err);

#endif
