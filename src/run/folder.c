#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* mkdir -p */
static int make_path(const char *path, struct err *err)
{
	char part[512];
	char *slash;

	snprintf(part, sizeof(part), "%s", path);
	for (slash = strchr(part + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return err_sys(err, -errno, "%s", part);
		*slash = '/';
	}
	if (mkdir(part, 0755) && errno != EEXIST)
		return err_sys(err, -errno, "%s", part);
	return 0;
}

static bool is_result(const char *name)
{
	const char *dot = strrchr(name, '.');

	return !strncmp(name, "run.json", 8) || !strcmp(name, "report.html") ||
	       (dot && (!strcmp(dot, ".csv") || !strcmp(dot, ".svg")));
}

static int check_empty(const char *path, struct err *err)
{
	DIR *d = opendir(path);
	struct dirent *de;
	int ret = 0;

	if (!d)
		return err_sys(err, -errno, "%s", path);
	while (!ret && (de = readdir(d)))
		if (is_result(de->d_name))
			ret = err_set(err, -EEXIST, REASON_USAGE,
				      "--out %s: holds the results of another "
				      "run (%.64s): choose another folder",
				      path, de->d_name);
	closedir(d);
	if (!ret && access(path, W_OK))
		ret = err_sys(err, -errno, "%s", path);
	return ret;
}

/* The host's name as it can stand in a file name. */
static void safe_name(const char *name, char *buf, size_t cap)
{
	size_t i;

	snprintf(buf, cap, "%s", name[0] ? name : "host");
	for (i = 0; buf[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
			    buf[i]))
			buf[i] = '_';
}

static int no_place(int ret, struct err *err)
{
	err_wrap(err, "no folder for results here (--out DIR names another)");
	return ret;
}

/* Two runs in one second must not share a folder. */
static int make_new(struct run *run, struct err *err)
{
	unsigned i;
	int ret;

	ret = make_path("results", err);
	if (ret)
		return no_place(ret, err);
	for (i = 0; i < 100; i++) {
		if (i)
			snprintf(run->dir, sizeof(run->dir), "results/%s-%u",
				 run->run_id, i + 1);
		else
			snprintf(run->dir, sizeof(run->dir), "results/%s",
				 run->run_id);
		if (!mkdir(run->dir, 0755))
			return 0;
		if (errno != EEXIST)
			break;
	}
	ret = err_sys(err, -errno, "%s", run->dir);
	return no_place(ret, err);
}

static int lock(struct run *run, struct err *err)
{
	run->folder = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->folder < 0)
		return err_sys(err, -errno, "%s", run->dir);
	if (!flock(run->folder, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return 0;
	folder_unlock(run);
	return err_set(err, -EBUSY, REASON_IN_USE,
		       "%s: a run that is still alive writes to it: let it "
		       "end, or interrupt it (Ctrl-C) first",
		       run->dir);
}

void folder_unlock(struct run *run)
{
	if (run->folder >= 0)
		close(run->folder);
	run->folder = -1;
}

int folder_create(struct run *run, struct err *err)
{
	char host[64];
	time_t now = time(NULL);
	struct tm tm;
	int ret;

	gmtime_r(&now, &tm);
	safe_name(run->host.name, host, sizeof(host));
	strftime(run->started_utc, sizeof(run->started_utc),
		 "%Y-%m-%dT%H:%M:%SZ", &tm);
	strftime(run->run_id, 24, "%Y%m%dT%H%M%SZ", &tm);
	strcat(run->run_id, "-");
	strcat(run->run_id, host);
	if (!run->cfg->out[0]) {
		ret = make_new(run, err);
		return ret ? ret : lock(run, err);
	}
	snprintf(run->dir, sizeof(run->dir), "%s", run->cfg->out);
	ret = make_path(run->dir, err);
	if (ret)
		err_wrap(err, "--out %s", run->dir);
	else
		ret = lock(run, err);
	return ret ? ret : check_empty(run->dir, err);
}

int folder_resume(struct run *run, struct err *err)
{
	if (access(run->dir, W_OK | X_OK))
		return err_sys(err, -errno, "--resume %s", run->dir);
	return lock(run, err);
}
