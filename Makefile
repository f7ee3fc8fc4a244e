# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
#
# make            build/evpnd and build/evpnctl
# make check      what the tests need by apt, then all tests in their short form (as root; below 15 minutes)
# make check-all  the long run
# make demo       what the demo needs by apt, then the main job on real input, shown (as root)
# make bench      measurements beside peers and the raw kernel limit
# make fuzz       the fuzz targets (needs clang)
# make install    into $(DESTDIR)$(PREFIX)
#
# SAN=1 builds with AddressSanitizer and UndefinedBehaviorSanitizer into build-san/; WERROR=1 as in CI; V=1 shows commands.

PREFIX ?= /usr/local
CC ?= gcc
PKG_CONFIG ?= pkg-config
BUILD := build$(if $(SAN),-san)
comma := ,
Q := $(if $(V),,@)

.DEFAULT_GOAL := all

# Every folder is one archive; a program or test links the archives and so only the objects that it needs.
FOLDERS := base bgp evpn dataplane conf
# The two programs share an archive, too: all of cmd/ but the files with a main().
MAINS := cmd/evpnd.c cmd/evpnctl.c
SRC = $(wildcard $(1)/*.c)
OBJ = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB = $(patsubst %,$(BUILD)/lib%.a,$(1))
# Order for the linker: users before what they use.
LIBS := $(call LIB,cmd conf evpn bgp dataplane base)

PKGS := libnl-3.0 libnl-route-3.0 yaml-0.1 libxxhash
CTL_PKGS := jansson smartcols
TEST_PKGS := cmocka
need_build := $(filter-out clean setup-% check check-all demo bench help,$(or $(MAKECMDGOALS),all))

CSTD := -std=gnu11
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wpointer-arith -Wwrite-strings \
	-Wvla -Wno-unused-parameter -Wno-missing-field-initializers $(if $(WERROR),-Werror)
OPT := $(if $(SAN),-O1 -fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer,-O2)
CFLAGS ?= -g
ALL_CFLAGS = $(CSTD) $(WARN) $(OPT) -I. -D_GNU_SOURCE -DXXH_INLINE_ALL $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS)
ALL_LDFLAGS = $(if $(SAN),-fsanitize=address$(comma)undefined) $(LDFLAGS)
LDLIBS = $(shell $(PKG_CONFIG) --libs $(PKGS)) -lev -lm
# Conversions matter where wire values are handled.
$(BUILD)/base/%.o $(BUILD)/bgp/%.o $(BUILD)/evpn/%.o: WARN += -Wconversion -Wno-sign-conversion

all: $(BUILD)/evpnd $(BUILD)/evpnctl

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
$(BUILD)/cmd/evpnctl%.o: PKGS += $(CTL_PKGS)

$(BUILD)/evpnd: $(BUILD)/cmd/evpnd.o $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIBS) $(LDLIBS)

$(BUILD)/evpnctl: $(BUILD)/cmd/evpnctl.o $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(LIBS) $(shell $(PKG_CONFIG) --libs $(CTL_PKGS)) $(LDLIBS)

# Unit, contract and simulation tests: every tests/{unit,contract,sim}/test_*.c is a program; helpers shared by tests
# are tests/lib/*.c.
TESTLIB := $(BUILD)/libtests.a
$(TESTLIB): $(call OBJ,$(call SRC,tests/lib))
	$(Q)rm -f $@; ar rcs $@ $^
TEST_PROGS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/contract/test_*.c tests/sim/test_*.c))
$(TEST_PROGS): $(BUILD)/%: $(BUILD)/%.o $(TESTLIB) $(LIBS)
	$(if $(V),,@echo "  LD $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--as-needed -o $@ $< $(TESTLIB) $(LIBS) $(LDLIBS) \
		$(shell $(PKG_CONFIG) --libs $(TEST_PKGS) $(CTL_PKGS))

tests: $(TEST_PROGS)

clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all tests clean
.SECONDARY:
