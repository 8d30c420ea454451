#include "machine/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS_MAX = 16 * 1024 };

static ssize_t read_whole(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len < cap) {
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int sysfs_text(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_whole(fd, buf, cap - 1);
	close(fd);
	if (n < 0) {
		buf[0] = '\0';
		return (int)n;
	}
	buf[n] = '\0';
	return (int)n;
}

int sysfs_line(const char *path, char *buf, size_t cap)
{
	int n = sysfs_text(path, buf, cap);

	if (n < 0)
		return n;
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static int parse_u64(const char *text, uint64_t *v, const char **rest)
{
	unsigned long long x;
	char *end;

	while (*text == ' ' || *text == '\t')
		text++;
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	x = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	*v = x;
	*rest = end;
	return 0;
}

int sysfs_u64(const char *path, uint64_t *v)
{
	char buf[64];
	const char *rest = buf;
	uint64_t x;
	int ret = sysfs_line(path, buf, sizeof(buf));

	if (ret)
		return ret;
	ret = parse_u64(buf, &x, &rest);
	if (ret)
		return ret;
	if (*rest)
		return -EINVAL;
	*v = x;
	return 0;
}

static const char *line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len) &&
		    (text[len] == ' ' || text[len] == '\t'))
			return text + len;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

int sysfs_field(const char *path, const char *key, uint64_t *v)
{
	char buf[FIELDS_MAX];
	const char *p, *rest = buf;
	uint64_t x;
	int ret = sysfs_text(path, buf, sizeof(buf));

	if (ret < 0)
		return ret;
	p = line_of(buf, key);
	if (!p)
		return -ENODATA;
	p += strspn(p, " \t");
	p += *p == ':';
	ret = parse_u64(p, &x, &rest);
	if (ret)
		return ret;
	if (!strncmp(rest, " kB", 3) && __builtin_mul_overflow(x, 1024u, &x))
		return -ERANGE;
	*v = x;
	return 0;
}
