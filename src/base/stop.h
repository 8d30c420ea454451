/* Ctrl-C and SIGTERM: the program's only mutable global.  Hot loops read it
 * once an operation. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <signal.h>

extern volatile sig_atomic_t stop_requested; /* the signal's number, or 0 */

/* Installs handlers for SIGINT, SIGTERM and SIGHUP (unless nohup ignores it);
 * SIGPIPE and SIGXFSZ become errors of write().  A second Ctrl-C kills at
 * once. */
void stop_install(void);

#endif
