/* The GID policy of rdma/gid.h, on tables as they are found in the field. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "rdma/gid.h"

static struct gid make(uint32_t index, enum gid_type type, const char *ip)
{
	struct gid gid = {.index = index, .type = type, .ifindex = 7};
	struct in_addr in;

	if (inet_pton(AF_INET, ip, &in) == 1) {
		gid.raw[10] = gid.raw[11] = 0xff;
		memcpy(gid.raw + 12, &in, 4);
	} else {
		assert_int_equal(inet_pton(AF_INET6, ip, gid.raw), 1);
	}
	return gid;
}

static struct sockaddr_storage want(const char *ip)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;

	if (inet_pton(AF_INET, ip, &in->sin_addr) == 1) {
		ss.ss_family = AF_INET;
	} else {
		memset(&ss, 0, sizeof(ss));
		assert_int_equal(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
		ss.ss_family = AF_INET6;
	}
	return ss;
}

/* A ConnectX port with two addresses of each family, both versions. */
static size_t mlx5_table(struct gid *t)
{
	size_t n = 0;

	t[n++] = make(0, GID_ROCE_V1, "fe80::a288:c2ff:fe11:2233");
	t[n++] = make(1, GID_ROCE_V2, "fe80::a288:c2ff:fe11:2233");
	t[n++] = make(2, GID_ROCE_V1, "192.168.1.5");
	t[n++] = make(3, GID_ROCE_V2, "192.168.1.5");
	t[n++] = make(4, GID_ROCE_V1, "2001:db8::5");
	t[n++] = make(5, GID_ROCE_V2, "2001:db8::5");
	t[n++] = make(6, GID_ROCE_V2, "192.168.2.5");
	t[n++] = make(7, GID_ROCE_V2, "::");
	return n;
}

static uint32_t picked(const struct gid *t, size_t n, const char *ip)
{
	struct sockaddr_storage ss;
	const struct gid *gid;

	if (!ip) {
		gid = gid_pick(t, n, NULL);
	} else {
		ss = want(ip);
		gid = gid_pick(t, n, (struct sockaddr *)&ss);
	}
	assert_non_null(gid);
	return gid->index;
}

static void test_family_then_version_then_scope(void **state)
{
	struct gid t[8];
	size_t n = mlx5_table(t);

	(void)state;
	assert_int_equal(picked(t, n, NULL), 3);
	assert_int_equal(picked(t, n, "0.0.0.0"), 3);
	assert_int_equal(picked(t, n, "10.0.0.1"), 3);
	assert_int_equal(picked(t, n, "::"), 5);
	assert_int_equal(picked(t, n, "2001:db8::9"), 5);
}

static void test_the_address_itself_wins(void **state)
{
	struct gid t[8];
	size_t n = mlx5_table(t);

	(void)state;
	assert_int_equal(picked(t, n, "192.168.2.5"), 6);
	assert_int_equal(picked(t, n, "fe80::a288:c2ff:fe11:2233"), 1);
}

/* Family comes before version: v1 of the right one beats v2 of the other. */
static void test_family_before_version(void **state)
{
	const struct gid t[] = {
		make(0, GID_ROCE_V2, "2001:db8::5"),
		make(1, GID_ROCE_V1, "10.0.0.5"),
	};

	(void)state;
	assert_int_equal(picked(t, 2, "10.0.0.9"), 1);
	assert_int_equal(picked(t, 2, NULL), 0);
}

static void test_order_of_scopes(void **state)
{
	const struct gid t[] = {
		make(0, GID_ROCE_V2, "fe80::1"),
		make(1, GID_ROCE_V2, "169.254.0.5"),
		make(2, GID_ROCE_V2, "127.0.0.1"),
		make(3, GID_ROCE_V2, "10.9.9.1"),
	};

	(void)state;
	assert_int_equal(picked(t, 1, NULL), 0);
	assert_int_equal(picked(t, 2, NULL), 0);
	assert_int_equal(picked(t, 2, "10.0.0.1"), 1);
	assert_int_equal(picked(t, 3, NULL), 2);
	assert_int_equal(picked(t, 4, NULL), 3);
}

static void test_empty_tables(void **state)
{
	const struct gid zero = make(0, GID_ROCE_V2, "::");

	(void)state;
	assert_null(gid_pick(NULL, 0, NULL));
	assert_null(gid_pick(&zero, 1, NULL));
}

static void test_addresses(void **state)
{
	const struct gid v4 = make(1, GID_ROCE_V2, "10.9.9.1");
	const struct gid link = make(0, GID_ROCE_V2, "fe80::1");
	const struct gid global = make(0, GID_ROCE_V2, "2001:db8::1");
	const struct gid iwarp = make(0, GID_IWARP, "7402:deca:fbad::");
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	assert_int_equal(gid_to_addr(&v4, &ss), 0);
	assert_int_equal(ss.ss_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x0a090901);
	assert_int_equal(gid_to_addr(&link, &ss), 0);
	assert_int_equal(ss.ss_family, AF_INET6);
	assert_int_equal(in6->sin6_scope_id, 7);
	assert_int_equal(gid_to_addr(&global, &ss), 0);
	assert_int_equal(in6->sin6_scope_id, 0);
	assert_int_equal(gid_to_addr(&iwarp, &ss), -EADDRNOTAVAIL);
	assert_string_equal(gid_to_text(&v4, text, sizeof(text)), "10.9.9.1");
	assert_string_equal(gid_to_text(&link, text, sizeof(text)), "fe80::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family_then_version_then_scope),
		cmocka_unit_test(test_the_address_itself_wins),
		cmocka_unit_test(test_family_before_version),
		cmocka_unit_test(test_order_of_scopes),
		cmocka_unit_test(test_empty_tables),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
