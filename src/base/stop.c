#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>

volatile sig_atomic_t stop_requested;
volatile sig_atomic_t stop_resumed;

static void on_signal(int sig)
{
	stop_requested = sig;
}

void stop_count_resumed(unsigned n)
{
	stop_resumed = (sig_atomic_t)(((unsigned)stop_resumed + n) & 0xffff);
}

static void on_resume(int sig)
{
	(void)sig;
	stop_count_resumed(1);
}

/* By nohup.  Not asked of SIGINT, which a script's `&` ignores too. */
static bool ignored(int sig)
{
	struct sigaction old;

	return !sigaction(sig, NULL, &old) && old.sa_handler == SIG_IGN;
}

void stop_install(void)
{
	static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_signal};
	const struct sigaction cont = {.sa_handler = on_resume,
				       .sa_flags = SA_RESTART};
	size_t i;

	/* No SA_RESTART: a sleeping wait must notice.  SA_RESETHAND: the
	 * second signal ends the program whatever it does. */
	sa.sa_flags = (int)SA_RESETHAND;
	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		if (stops[i] != SIGHUP || !ignored(SIGHUP))
			sigaction(stops[i], &sa, NULL);
	sigaction(SIGCONT, &cont, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* `ulimit -f`: an error to tell, not a death in the middle of a row. */
	signal(SIGXFSZ, SIG_IGN);
}
