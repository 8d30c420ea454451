/* A small /proc, /sys and /dev of a test's own, made when it runs. */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char root[64];
};

static inline void tree_new(struct tree *t)
{
	strcpy(t->root, "/tmp/rdmabench-tree-XXXXXX");
	assert_non_null(mkdtemp(t->root));
}

/* Every folder above the path, and with `all` the path itself. */
static inline void tree_dirs(const struct tree *t, const char *path, int all)
{
	char full[512], *slash;

	snprintf(full, sizeof(full), "%s%s%s", t->root, path, all ? "/" : "");
	for (slash = full + strlen(t->root) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		assert_true(!mkdir(full, 0755) || errno == EEXIST);
		*slash = '/';
	}
}

static inline void tree_bytes(const struct tree *t, const char *path,
			      const void *data, size_t len)
{
	char full[512];
	FILE *f;

	tree_dirs(t, path, 0);
	snprintf(full, sizeof(full), "%s%s", t->root, path);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* The text, and the newline that the kernel ends it with. */
static inline void tree_put(const struct tree *t, const char *path,
			    const char *text)
{
	char line[4096];

	snprintf(line, sizeof(line), "%s\n", text);
	tree_bytes(t, path, line, strlen(line));
}

static inline void tree_link(const struct tree *t, const char *path,
			     const char *to)
{
	char full[512];

	tree_dirs(t, path, 0);
	snprintf(full, sizeof(full), "%s%s", t->root, path);
	assert_int_equal(symlink(to, full), 0);
}

static inline int tree_remove(const char *path, const struct stat *st, int type,
			      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_free(struct tree *t)
{
	nftw(t->root, tree_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
