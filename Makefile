# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
#
# make            build/evpnd, build/evpnctl and build/evpnd-http
# make check      what the tests need by apt, then all tests in their short form (as root; below 15 minutes)
# make check-all  the long run: many seeds, interop with the sanitizers too, fuzzing
# make check-vm   what takes a kernel with 802.1Q, in QEMU guests
# make demo       what the demo needs by apt, then the main job on real input, shown (as root; KEEP=1 leaves it up,
#                 DATAPLANE=userspace does without the kernel's vxlan)
# make bench      measurements beside peers and the raw kernel limit (as root; below 15 minutes); RESULTS=FOLDER for its
#                 tables and plots of many routes, build/perf
# make fuzz       each fuzz target for FUZZ_SECONDS=60 (needs clang); FUZZER=afl: with AFL++ (needs afl++)
# make tests      builds the test programs: build/tests/unit/test_NAME and so on
# make install    into $(DESTDIR)$(PREFIX), PREFIX=/usr/local; make uninstall takes it away again
# make clean
#
# SAN=1 builds with AddressSanitizer and UndefinedBehaviorSanitizer into build-san/, SAN=thread with ThreadSanitizer into
# build-tsan/; WERROR=1 as in CI; V=1 shows commands.

PREFIX ?= /usr/local
CC ?= gcc
PKG_CONFIG ?= pkg-config
# FUZZ=1 or FUZZ=afl, set by `make fuzz`: all of it with the sanitizers and the fuzzer's marks; gcc is the one that warns.
ifdef FUZZ
override CC := $(if $(filter afl,$(FUZZ)),afl-clang-fast,clang)
SAN := 1
endif
TSAN := $(filter thread,$(SAN))
BUILD := build$(if $(FUZZ),-fuzz$(if $(filter afl,$(FUZZ)),-afl),$(if $(SAN),$(if $(TSAN),-tsan,-san)))
comma := ,
empty :=
space := $(empty) $(empty)
define newline


endef
Q := $(if $(V),,@)

.DEFAULT_GOAL := all

# Every folder is one archive; a program or test links the archives and so only the objects that it needs.
FOLDERS := base bgp evpn dataplane conf
# The programs share an archive, too: all of cmd/ but the files with a main().
MAINS := cmd/evpnd/main.c cmd/evpnctl/main.c cmd/http/main.c
SRC = $(wildcard $(1)/*.c $(1)/*/*.c)
OBJ = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB = $(patsubst %,$(BUILD)/lib%.a,$(1))
# Order for the linker: users before what they use.
LIBS := $(call LIB,cmd conf evpn bgp dataplane base)

PKGS := libnl-3.0 libnl-route-3.0 yaml-0.1 libxxhash liburcu-qsbr libcap-ng libseccomp
CTL_PKGS := jansson smartcols
HTTP_PKGS := libmicrohttpd
TEST_PKGS := cmocka
# pkg-config is asked once for each set, when the first recipe wants it: on a fresh machine it is not there before.
pkg = $(or $(pkg_$(1)_$(subst $(space),_,$(2))),$(eval pkg_$(1)_$(subst $(space),_,$(2)) := $(or $(shell \
	$(PKG_CONFIG) --$(1) $(2) 2>/dev/null),$(error missing: $(2) (tests/need build unit installs them, as root))))$(pkg_$(1)_$(subst $(space),_,$(2))))

CSTD := -std=gnu11
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wpointer-arith -Wwrite-strings \
	-Wvla -Wno-unused-parameter -Wno-missing-field-initializers $(if $(WERROR),-Werror)
SANITIZE := $(if $(TSAN),-fsanitize=thread,-fsanitize=address$(comma)undefined)
OPT := $(if $(SAN),-O1 $(SANITIZE) $(if $(TSAN),,-fno-sanitize-recover=undefined) -fno-omit-frame-pointer,-O2) \
	$(if $(FUZZ),$(if $(filter afl,$(FUZZ)),,-fsanitize=fuzzer-no-link) -w)
CFLAGS ?= -g
ALL_CFLAGS = $(CSTD) $(WARN) $(OPT) -I. -D_GNU_SOURCE -DXXH_INLINE_ALL $(call pkg,cflags,$(PKGS)) $(CFLAGS)
ALL_LDFLAGS = $(if $(SAN),$(SANITIZE)) $(LDFLAGS)
LDLIBS = $(call pkg,libs,$(PKGS)) -lev -lm
# Conversions matter where wire values are handled.
$(BUILD)/base/%.o $(BUILD)/bgp/%.o $(BUILD)/evpn/%.o: WARN += -Wconversion -Wno-sign-conversion

# What root builds (sudo make) belongs to the owner of the checkout all the same.
own = @[ "$$(id -u)" != 0 ] || chown -R --from=root --reference=Makefile $(BUILD)

all: $(BUILD)/evpnd $(BUILD)/evpnctl $(BUILD)/evpnd-http
	$(own)

define archive
$(BUILD)/lib$(1).a: $(call OBJ,$(call SRC,$(1)))
	$(Q)rm -f $$@; ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive,$(f))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libcmd.a: $(call OBJ,$(filter-out $(MAINS),$(call SRC,cmd)))
	$(Q)rm -f $@; ar rcs $@ $^
$(BUILD)/cmd/evpnctl/%.o: PKGS += $(CTL_PKGS)
$(BUILD)/cmd/http/%.o: PKGS += $(CTL_PKGS) $(HTTP_PKGS)
$(BUILD)/cmd/http/page.o: cmd/http/status.html

$(BUILD)/evpnd: $(BUILD)/cmd/evpnd/main.o $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)

$(BUILD)/evpnctl: $(BUILD)/cmd/evpnctl/main.o $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(LIBS) $(call pkg,libs,$(CTL_PKGS)) $(LDLIBS)

$(BUILD)/evpnd-http: $(BUILD)/cmd/http/main.o $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(LIBS) $(call pkg,libs,$(CTL_PKGS) $(HTTP_PKGS)) $(LDLIBS)

# Unit, contract and simulation tests: every tests/{unit,contract,sim}/test_*.c is a program; helpers shared by tests
# are tests/lib/*.c.
TESTLIB := $(BUILD)/libtests.a
$(TESTLIB): $(call OBJ,$(call SRC,tests/lib))
	$(Q)rm -f $@; ar rcs $@ $^
TEST_PROGS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/contract/test_*.c tests/sim/test_*.c))
$(TEST_PROGS): $(BUILD)/%: $(BUILD)/%.o $(TESTLIB) $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(TESTLIB) $(LIBS) $(LDLIBS) \
		$(call pkg,libs,$(TEST_PKGS) $(CTL_PKGS) $(HTTP_PKGS))

# Fuzz targets: every tests/fuzz/fuzz_*.c is one; with a main() that replays files, or with the fuzzer's (FUZZ).
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
REPLAY_PROGS := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
REPLAY_MAIN := $(if $(FUZZ),,$(BUILD)/tests/fuzz/replay.o)
$(REPLAY_PROGS): $(BUILD)/%: $(BUILD)/%.o $(REPLAY_MAIN) $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -Wl,--as-needed -o $@ $< $(REPLAY_MAIN) $(LIBS) \
		$(call pkg,libs,$(CTL_PKGS) $(HTTP_PKGS)) $(LDLIBS)

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
AFL := AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_IGNORE_SEED_PROBLEMS=1 afl-fuzz
fuzz-targets: $(REPLAY_PROGS)
fuzz: fuzz-with-$(or $(FUZZER),libfuzzer)
fuzz-with-libfuzzer:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 fuzz-targets
	$(Q)set -e; for n in $(FUZZ_TARGETS); do \
		mkdir -p build-fuzz/corpus/$$n tests/fuzz/corpus/$$n; \
		echo "  $$n: $(FUZZ_SECONDS) s"; \
		build-fuzz/tests/fuzz/fuzz_$$n -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 -timeout=10 \
			-artifact_prefix=build-fuzz/$$n- build-fuzz/corpus/$$n tests/fuzz/corpus/$$n; \
	done
# A run leaves what it found in build-fuzz-afl/NAME; the next one goes on from there.
fuzz-with-afl:
	$(Q)$(MAKE) --no-print-directory FUZZ=afl fuzz-targets
	$(Q)set -e; for n in $(FUZZ_TARGETS); do \
		echo "  $$n: $(FUZZ_SECONDS) s"; \
		[ -d build-fuzz-afl/$$n ] && from=- || from=tests/fuzz/corpus/$$n; \
		$(AFL) -V $(FUZZ_SECONDS) -m none -t 10000 -i $$from -o build-fuzz-afl/$$n -- \
			build-fuzz-afl/tests/fuzz/fuzz_$$n >build-fuzz-afl/$$n.log || { cat build-fuzz-afl/$$n.log; exit 1; }; \
		sed -n 's/^\(execs_done\|corpus_count\|saved_crashes\|saved_hangs\) *: /    \1 /p' build-fuzz-afl/$$n/default/fuzzer_stats; \
		! find build-fuzz-afl/$$n/default/crashes build-fuzz-afl/$$n/default/hangs -name 'id*' | grep . || exit 1; \
	done

# Measurements: every tests/bench/bench_*.c is a program, the other files there are what these share; tests/bench/run
# runs them and what needs a lab.
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_PROGS := $(patsubst %.c,$(BUILD)/%,$(BENCH_SRC))
BENCHLIB := $(BUILD)/libbench.a
$(BENCHLIB): $(call OBJ,$(filter-out $(BENCH_SRC),$(call SRC,tests/bench)))
	$(Q)rm -f $@; ar rcs $@ $^
$(BENCH_PROGS): $(BUILD)/%: $(BUILD)/%.o $(BENCHLIB) $(TESTLIB) $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(BENCHLIB) $(TESTLIB) $(LIBS) $(LDLIBS)

tests: $(TEST_PROGS) $(REPLAY_PROGS)
	$(own)
benches: $(BENCH_PROGS)
	$(own)

check check-all check-vm demo bench:
	@tests/run $@

sbindir ?= $(PREFIX)/sbin
bindir ?= $(PREFIX)/bin
mandir ?= $(PREFIX)/share/man
docdir ?= $(PREFIX)/share/doc/evpnd
unitdir ?= $(PREFIX)/lib/systemd/system
sysusersdir ?= $(PREFIX)/lib/sysusers.d
completiondir ?= $(PREFIX)/share/bash-completion/completions
to = $(DESTDIR)$(1)
man_of = $(call to,$(mandir))/man$(patsubst .%,%,$(suffix $(1)))
MANUALS := $(wildcard docs/*.[1-8])
install: all
	install -D -m 755 -t $(call to,$(sbindir)) $(BUILD)/evpnd
	install -D -m 755 -t $(call to,$(bindir)) $(BUILD)/evpnctl $(BUILD)/evpnd-http
	$(foreach m,$(MANUALS),sed 's|/usr/local/share/doc/evpnd|$(docdir)|g' $(m) | \
		install -D -m 644 /dev/stdin $(call man_of,$(m))/$(notdir $(m))$(newline))
	$(foreach s,$(wildcard conf/samples/*.yaml),install -D -m 644 -t $(call to,$(docdir))/samples $(s)$(newline))
	$(foreach s,$(wildcard conf/*.service),sed 's|@sbindir@|$(sbindir)|g; s|@bindir@|$(bindir)|g' $(s) | \
		install -D -m 644 /dev/stdin $(call to,$(unitdir))/$(notdir $(s))$(newline))
	install -D -m 644 conf/evpnd.sysusers $(call to,$(sysusersdir))/evpnd.conf
	install -D -m 644 conf/evpnctl.bash $(call to,$(completiondir))/evpnctl

# Configuration, user and rows stay.
uninstall:
	rm -f $(call to,$(sbindir))/evpnd $(addprefix $(call to,$(bindir))/,evpnctl evpnd-http) $(call to,$(sysusersdir))/evpnd.conf \
		$(call to,$(completiondir))/evpnctl $(foreach s,$(wildcard conf/*.service),$(call to,$(unitdir))/$(notdir $(s))) \
		$(foreach m,$(MANUALS),$(call man_of,$(m))/$(notdir $(m)))
	rm -rf $(call to,$(docdir))

help:
	@sed -n '4,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -path $(BUILD)/vm -prune -o -name '*.d' -print 2>/dev/null)
.PHONY: all tests benches check check-all check-vm demo bench fuzz fuzz-with-libfuzzer fuzz-with-afl fuzz-targets install uninstall help clean
.SECONDARY:
