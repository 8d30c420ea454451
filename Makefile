# rdmabench: one static binary.  `make` leaves it at ./rdmabench.
#   make [CC=clang] [STATIC=0] [WERROR=1] [BUILD=dir] [V=1]
#   make check | check-full | asan | tsan | soak | fuzz | lint | bench | install | clean
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
STATIC  ?= 1
VERSION := 0.1

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wformat=2 -Wvla -Wundef -Wwrite-strings \
           -Wnull-dereference
# A stack may be limited: what is large is on the heap.  Tests need not.
FRAME   := -Wframe-larger-than=65536
# What a sanitizer adds makes gcc see null pointers that are none, and frames
# larger.
ifneq ($(SAN),)
WARN    := $(filter-out -Wnull-dereference,$(WARN))
FRAME   :=
endif
ifeq ($(WERROR),1)
WARN    += -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -DRDMABENCH_VERSION='"$(VERSION)"' -Isrc -Iscenarios
# Two fields that are stored side by side went through a vector register,
# which is no gain on a CPU and a helper's call in a guest that is translated:
# without it what takes 64 bytes over or back takes 0.85 to 0.99 of its time.
ALL_CFLAGS = -std=gnu11 $(WARN) -fPIE $(CFLAGS) -fno-tree-slp-vectorize $(SAN)

# FLUSH and ATOMIC WRITE came with rdma-core 45 (scripts/flush.sh).
HAVE_IBV_WR_FLUSH := $(shell echo 'void f(struct ibv_qp_ex *q) { \
	ibv_wr_flush(q, 0, 0, 0, IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE); \
	ibv_wr_atomic_write(q, 0, 0, 0); }' | $(CC) -w -fsyntax-only \
	-include infiniband/verbs.h -Werror=implicit -x c - 2>/dev/null && \
	echo 1 || echo 0)
CPPFLAGS += -DHAVE_IBV_WR_FLUSH=$(HAVE_IBV_WR_FLUSH)

PKG_CONFIG ?= pkg-config
PKGS    := librdmacm libibverbs jansson libsodium
ifeq ($(STATIC),1)
# Without this define a static libibverbs knows no provider: the device list
# would be silently empty.
CPPFLAGS += -DRDMA_STATIC_PROVIDERS=all -DRDMABENCH_STATIC
LDLIBS   := $(shell $(PKG_CONFIG) --static --libs $(PKGS)) -lnuma -lcsv -lpfm -lpmem -lpthread -lm
# libpmem comes after our archive and wants what no_ndctl.c answers.
# What --wrap is for: src/rdma/raw_write.c.  PIE, as what we are compared to:
# where caches' and a translator's tables have code at the same places in each
# run, what that costs is the same each time, and no repetition shows it.
# Its 48,000 addresses take 20 kB packed, else 1.2 MB; who packs them must be
# able to unpack them (glibc 2.36).
RELR     := $(shell printf '\043include <features.h>\n\043if __GLIBC_PREREQ(2, 36)\nyes\n\043endif\n' | \
	$(CC) -E -P -x c - 2>/dev/null | grep -q yes && \
	echo -Wl,-z,pack-relative-relocs)
LDSTATIC := -static-pie $(RELR) -Wl,-u,ndctl_new -Wl,--wrap=write
LDLIBS_DYN := -Wl,-Bstatic $(filter-out -lm -lpthread,$(LDLIBS)) \
              -Wl,-Bdynamic -lpthread -lm
else
LDLIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS)) -lnuma -lcsv -lpfm -lpmem -lpthread -lm
LDSTATIC :=
LDLIBS_DYN := $(LDLIBS)
endif
# Tests link cmocka dynamically, as it has no static library, and the rest
# as the objects were compiled for (gcc refuses -static with sanitizers).

SRC  := $(sort $(wildcard src/*.c src/*/*.c scenarios/*.c))
# The plot scripts travel inside the binary (src/report/plots.S).
ASM  := $(sort $(wildcard src/*/*.S))
OBJ  := $(SRC:%.c=$(BUILD)/%.o) $(ASM:%.S=$(BUILD)/%.o)
LIB  := $(BUILD)/librdmabench.a
LIBOBJ := $(filter-out $(BUILD)/src/main.o $(BUILD)/src/cmd_%.o,$(OBJ))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

all: rdmabench

rdmabench: $(BUILD)/rdmabench
	$(Q)cp $< $@

$(BUILD)/rdmabench: $(filter-out $(LIBOBJ),$(OBJ)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDSTATIC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FRAME) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.S $(wildcard plot/*.gp src/*/*.css)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# --- tests -----------------------------------------------------------------
UNIT := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/test_*.c)))
CONF := $(BUILD)/tests/conformance/conformance

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LDLIBS_DYN) -lcmocka

# Calls that fail in turn (tests/fail/fail_calls.h).
FAIL    := tests/fail/fail_calls.c
WRAPPED := $(shell sed -n 's/^\tX.[^,]*, \([a-z_0-9]*\), .*/\1/p' tests/fail/fail_calls.h)
$(addprefix $(BUILD)/tests/unit/,test_failures test_tcp): \
		$(BUILD)/tests/unit/%: tests/unit/%.c $(FAIL) $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $@ \
		$(filter %.c,$^) $(LIB) $(LDLIBS_DYN) -lcmocka

# A stranger who calls first.
$(BUILD)/tests/unit/test_chan_pair: private ALL_CFLAGS += -Wl,--wrap=listen

# A child that its parent is ahead of.
$(BUILD)/tests/unit/test_crew: private ALL_CFLAGS += \
	-Wl,--wrap=fork,--wrap=pthread_join

# libibverbs on an older kernel; a device in trouble.
$(BUILD)/tests/unit/test_fork_safe: private ALL_CFLAGS += \
	-Wl,--wrap=ibv_is_fork_initialized,--wrap=ibv_fork_init,--wrap=ibv_open_device
$(BUILD)/tests/unit/test_trouble: private ALL_CFLAGS += \
	-Wl,--wrap=ibv_query_port,--wrap=ibv_get_async_event,--wrap=ibv_ack_async_event

# What tests of the command line call.
TOOLS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/tools/*.c)))
$(BUILD)/tests/tools/%: tests/tools/%.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LDLIBS_DYN)

# The example of a scenario (README): rdmabench with one more in its list.
EXAMPLE := $(BUILD)/tests/example/rdmabench
$(EXAMPLE): $(wildcard tests/example/*.[ch]) src/run/scenario.c \
		$(filter-out $(LIBOBJ),$(OBJ)) $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Itests/example $(CPPFLAGS) $(ALL_CFLAGS) $(LDSTATIC) $(LDFLAGS) \
		-o $@ $(filter %.c %.o %.a,$^) $(LDLIBS)

# Linked as the binary is: what they measure is what is shipped.
$(BUILD)/tests/bench/%: tests/bench/%.c $(LIB)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDSTATIC) -MMD -MP -o $@ $< $(LIB) $(LDLIBS)

# Loaded by QEMU, which a guest counts with (rxe.sh --plugin).
INSNS := $(BUILD)/tests/bench/insns.so
$(INSNS): tests/bench/insns/plugin.c src/metric/stats.c
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -shared -o $@ $^ -lm

# Counted by valgrind (tests/cli/cachegrind.sh).
$(BUILD)/tests/cachegrind/%: tests/cachegrind/%.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDSTATIC) -MMD -MP -o $@ $< $(LIB) $(LDLIBS)

$(CONF): $(sort $(wildcard tests/conformance/*.[ch])) $(FAIL) $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(filter %.c,$^) $(LIB) $(LDLIBS_DYN) -lcmocka

# Tests link dynamically (see LDLIBS_DYN), and a static libibverbs compiles
# differently: they have objects of their own, in build/dynamic.
DYNAMIC := build/dynamic
ENDS ?= loop tcp tcp:addr=::1
ifeq ($(STATIC),1)
tests unit conformance:
	$(Q)$(MAKE) --no-print-directory BUILD=$(DYNAMIC) STATIC=0 $@
else
tests: $(UNIT) $(CONF) $(TOOLS) $(EXAMPLE)

unit: $(UNIT)
	$(Q)bad=0; for t in $(UNIT); do $$t || bad=1; done; exit $$bad

# RDMA needs a device: under scripts/rxe.sh, with ENDS=rdma:addr=10.9.9.1.
conformance: $(CONF)
	$(Q)$(CONF) $(ENDS)
endif

# Sanitizers: build-asan and build-tsan only build; asan and tsan also run,
# and leave a rdmabench beside the tests.
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
            -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread

build-asan build-tsan: build-%:
	$(Q)$(MAKE) --no-print-directory BUILD=build/$* STATIC=0 \
		SAN="$(SAN_$*)" tests build/$*/rdmabench

# One after the other, even with -j: tests that wait do not like company.
asan tsan: %: build-%
	$(Q)$(MAKE) --no-print-directory BUILD=build/$* STATIC=0 \
		SAN="$(SAN_$*)" unit
	$(Q)$(MAKE) --no-print-directory BUILD=build/$* STATIC=0 \
		SAN="$(SAN_$*)" conformance

# libFuzzer, so clang.  make fuzz [FUZZ_SECONDS=60]: so many for each of
# tests/fuzz/fuzz_*.c, then which lines they reached.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,build/fuzz/%,\
             $(sort $(wildcard tests/fuzz/fuzz_*.c)))
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined \
            -fno-sanitize-recover=undefined \
            -fprofile-instr-generate -fcoverage-mapping
# Calls that would wait, or touch this host (tests/fuzz/calm.c).
CALM := clock_gettime poll nanosleep host_read info_gather latency_hold_begin cpu_pin \
        cpu_unpin prefetch_hold_begin counters_open mem_alloc mem_alloc_on \
        mem_alloc_as memsource_open

ifeq ($(STATIC),1)
build-fuzz:
	$(Q)$(MAKE) --no-print-directory CC=clang CFLAGS="-O1 -g" \
		BUILD=build/fuzz STATIC=0 SAN="$(SAN_fuzz)" $@
else
build-fuzz: $(FUZZERS)
endif

build/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/calm.c tests/fuzz/script.c $(LIB)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fsanitize=fuzzer \
		$(CALM:%=-Wl,--wrap=%) -MMD -MP -o $@ \
		$(filter %.c,$^) $(LIB) $(LDLIBS)

fuzz: build-fuzz
	$(Q)tests/fuzz/run.sh $(FUZZ_SECONDS)

# FLUSH and ATOMIC WRITE for real: a Debian 13 root, a guest with Linux 6.12.
flush-check:
	$(Q)scripts/flush.sh check

lint:
	$(Q)scripts/lint.sh

check:
	$(Q)scripts/check.sh

# What does not fit into half an hour: everything, some of it for longer, and
# slow tools; and what takes hours.  [STAGES="..."]
check-full:
	$(Q)scripts/check-full.sh $(STAGES)

soak: rdmabench tests
	$(Q)scripts/soak.sh $(STAGES)

BENCH := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/bench/*.c)))

# make bench [ROUNDS=N] [PARTS="..."]: beside the peers that Debian has.
bench: rdmabench $(BENCH) $(INSNS)
	$(Q)ROUNDS=$(ROUNDS) BUILD=$(BUILD) tests/bench/bench.sh $(PARTS)

# --- manual, installation ----------------------------------------------------
# Options, scenarios and columns come from the binary's own tables.
MANUALS := $(BUILD)/man/rdmabench.1 $(BUILD)/man/rdmabench-scenarios.7 \
           $(BUILD)/man/rdmabench-csv.5
COMPLETION := $(BUILD)/completion/rdmabench
mandir  ?= $(PREFIX)/share/man
compdir ?= $(PREFIX)/share/bash-completion/completions

$(BUILD)/man/%: man/%.in $(BUILD)/rdmabench
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BUILD)/rdmabench help --mdoc > $@.options
	$(Q)$(BUILD)/rdmabench help --mdoc-scenarios > $@.scenarios
	$(Q)$(BUILD)/rdmabench help --mdoc-columns > $@.columns
	$(Q)$(BUILD)/rdmabench help --mdoc-reasons > $@.reasons
	$(Q)sed -e '/^@OPTIONS@/{r $@.options' -e 'd}' \
		-e '/^@SCENARIOS@/{r $@.scenarios' -e 'd}' \
		-e '/^@COLUMNS@/{r $@.columns' -e 'd}' \
		-e '/^@REASONS@/{r $@.reasons' -e 'd}' $< > $@.tmp
	$(Q)rm -f $@.options $@.scenarios $@.columns $@.reasons && mv $@.tmp $@

$(COMPLETION): $(BUILD)/rdmabench
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BUILD)/rdmabench help --completion > $@

man: $(MANUALS) $(COMPLETION)

install: $(BUILD)/rdmabench $(MANUALS) $(COMPLETION)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(compdir) \
		$(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 \
		$(DESTDIR)$(mandir)/man7
	install -s $(BUILD)/rdmabench $(DESTDIR)$(PREFIX)/bin/rdmabench
	install -m 644 $(filter %.1,$(MANUALS)) $(DESTDIR)$(mandir)/man1/
	install -m 644 $(filter %.5,$(MANUALS)) $(DESTDIR)$(mandir)/man5/
	install -m 644 $(filter %.7,$(MANUALS)) $(DESTDIR)$(mandir)/man7/
	install -m 644 $(COMPLETION) $(DESTDIR)$(compdir)/rdmabench

# A package of the static binary, into build/deb/.
deb:
	$(Q)scripts/deb.sh

clean:
	$(Q)rm -rf build $(BUILD) rdmabench

.PHONY: all unit tests conformance build-asan build-tsan asan tsan soak fuzz \
        build-fuzz flush-check lint check check-full bench man install deb clean
-include $(OBJ:.o=.d) $(UNIT:%=%.d) $(BENCH:%=%.d) $(TOOLS:%=%.d)
