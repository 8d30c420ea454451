/*
 * What the literature measured, where several scenarios stand beside it.
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, tables 3.4 to 3.6: request to response
 * in microseconds, by the size of the response.
 */
#ifndef SCENARIOS_LITERATURE_H
#define SCENARIOS_LITERATURE_H

#define THESIS                                                                 \
	"Trivedi, tables 3.4 to 3.6 (Xeon E7520, Chelsio T4, 10 Gbit/s), "     \
	"round trip in microseconds"

enum { THESIS_SIZES = 8 };
static const double thesis_sizes[THESIS_SIZES] = {
	0x1p10, 0x1p12, 0x1p14, 0x1p16, 0x1p18, 0x1p20, 0x1p22, 0x1p24};

/* X(name, values): RDMA was iWARP; the server touches every line of the
 * response, or of another buffer, before it sends it. */
#define THESIS_COLUMNS(X)                                                      \
	X(tcp, 40, 48, 75, 153, 350, 1133, 4781, 20877)                        \
	X(touch_write, 31, 39, 72, 173, 470, 1481, 5586, 22222)                \
	X(notouch_write, 30, 38, 56, 105, 300, 1107, 4310, 19230)              \
	X(touch_read, 30, 38, 59, 111, 315, 1128, 4385, 17543)                 \
	X(notouch_read, 29, 38, 56, 101, 275, 974, 3777, 15873)                \
	X(off_write, 32, 47, 93, 249, 869, 3367, 13333, 55555)                 \
	X(off_read, 30, 39, 60, 115, 330, 1189, 4629, 18518)

#define X(name, ...)                                                           \
	__attribute__((                                                        \
		unused)) static const double thesis_##name[THESIS_SIZES] = {   \
		__VA_ARGS__};
THESIS_COLUMNS(X)
#undef X

#endif
