/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define HOME "\x1b[H"
#define CLEAR_LINE "\x1b[K"
#define CLEAR_BELOW "\x1b[J"
#define ENTER "\x1b[?1049h\x1b[?25l" /* the second screen, no cursor */
#define LEAVE "\x1b[?25h\x1b[?1049l"

static volatile sig_atomic_t ended, stopped, resized;

static void on_signal(int sig)
{
	if (sig == SIGTSTP)
		stopped = 1;
	else if (sig == SIGWINCH || sig == SIGCONT)
		resized = 1;
	else
		ended = 1;
}

static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };

/* They come while we wait, and at no other time. */
static void watch(bool on)
{
	struct sigaction sa = { .sa_handler = on ? on_signal : SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		sigaddset(&set, watched[i]);
		sigaction(watched[i], &sa, NULL);
	}
	sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void take_terminal(struct screen *s)
{
	struct termios raw = s->before;

	raw.c_lflag &= (tcflag_t)~(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(ENTER, stdout);
}

static void give_terminal(struct screen *s)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

static void measure(struct screen *s)
{
	struct winsize ws;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0;

	s->width = known && ws.ws_col ? ws.ws_col : 80;
	s->height = known && ws.ws_row ? ws.ws_row : 24;
}

void screen_open(struct screen *s)
{
	*s = (struct screen){ .terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
					  tcgetattr(STDIN_FILENO, &s->before) == 0 };
	if (!s->terminal)
		return;
	tcgetattr(STDIN_FILENO, &s->before);
	watch(true);
	take_terminal(s);
	measure(s);
}

void screen_close(struct screen *s)
{
	if (!s->terminal)
		return;
	give_terminal(s);
	watch(false);
}

void screen_put_line(const char *line, size_t len, size_t width, FILE *out)
{
	mbstate_t state = { 0 };
	size_t n, columns = 0, at = 0;
	wchar_t c;

	for (; at < len; at += n) {
		int w;

		n = mbrtowc(&c, line + at, len - at, &state);
		if (n == 0 || n > len) { /* no character: it counts as one */
			n = 1;
			state = (mbstate_t){ 0 };
			w = 1;
		} else {
			w = wcwidth(c);
		}
		columns += w > 0 ? (size_t)w : 0;
		if (width && columns > width)
			break;
	}
	fwrite(line, 1, at, out);
}

void screen_show(struct screen *s, const char *page)
{
	size_t rows = 0;

	if (s->terminal)
		fputs(HOME, stdout);
	else if (s->pages)
		putchar('\n');
	s->pages++;
	while (*page && (!s->height || rows < s->height)) {
		size_t len = strcspn(page, "\n");

		if (s->terminal && rows)
			fputs("\r\n", stdout);
		screen_put_line(page, len, s->width, stdout);
		fputs(s->terminal ? CLEAR_LINE : "\n", stdout);
		page += len + (page[len] == '\n');
		rows++;
	}
	if (s->terminal)
		fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

/* Gives the terminal back until someone brings us to the fore again. */
static void suspend(struct screen *s)
{
	give_terminal(s);
	watch(false);
	raise(SIGTSTP);
	watch(true);
	take_terminal(s);
	stopped = 0;
	resized = 1;
}

static bool key_ends(void)
{
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	return n <= 0 || memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n);
}

enum screen_event screen_wait(struct screen *s, int64_t ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ppoll(&p, s->terminal ? 1 : 0, &time, &none);
	if (stopped)
		suspend(s);
	if (ended || (n > 0 && key_ends()))
		return SCREEN_END;
	if (resized) {
		resized = 0;
		measure(s);
		return SCREEN_REDRAW;
	}
	return n > 0 ? SCREEN_REDRAW : SCREEN_TIME;
}
