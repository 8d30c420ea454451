/* Ctrl-C and SIGTERM, and Ctrl-Z: the program's only mutable globals.  Hot
 * loops read the first once an operation. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <signal.h>

extern volatile sig_atomic_t stop_requested; /* the signal's number, or 0 */

/* How often this process was stopped and went on: what it timed meanwhile
 * is worth nothing. */
extern volatile sig_atomic_t stop_resumed;

/* `n` times a process that works for this one was: it counts as ours. */
void stop_count_resumed(unsigned n);

/* Installs handlers for SIGINT, SIGTERM, SIGCONT and SIGHUP (unless nohup
 * ignores it); SIGPIPE and SIGXFSZ become errors of write().  A second Ctrl-C
 * kills at once. */
void stop_install(void);

#endif
