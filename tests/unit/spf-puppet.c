/* spf-puppet: stands in for outage-spf in test-spf-client.c and does what a broken or hostile helper might. What it does with a
 * question says the part of the sender before the "@": "fail-broad" answers just that, the names in the table below misbehave. The
 * argument --nameserver=exit makes it end at once. It knows the lines by itself, so that the test also holds milter/spf/question.c
 * to them. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* No puppet outlives its test for long, whatever it is deaf to. */
#define LIFE_SECONDS 60
#define OUTSIZE 20000
#define FDS 256

extern char **environ;

typedef struct {
	const char *serial, *timeout, *what, *client, *helo, *sender;
} Question;

static const char *argument;

static void say(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t wrote = write(fd, text, size);

		if (wrote <= 0)
			exit(4);
		text += wrote;
		size -= (size_t)wrote;
	}
}

static void answer(const char *serial, const char *result, const char *breadth)
{
	char line[200];

	(void)snprintf(line, sizeof line, "A\t%s\t%s\t%s\tthe%%20puppet%%20says%%20so\n", serial, result, breadth);
	say(STDOUT_FILENO, line);
}

static void answer_if(const Question *question, bool holds)
{
	answer(question->serial, holds ? "pass" : "fail", "narrow");
}

static void do_crash(const Question *question)
{
	const struct rlimit none = { 0, 0 };

	(void)question;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

static void do_exit(const Question *question)
{
	(void)question;
	_exit(3);
}

/* Does not even hear the end of its input. */
static void do_hang(const Question *question)
{
	(void)question;
	for (;;)
		(void)pause();
}

static void do_half(const Question *question)
{
	say(STDOUT_FILENO, "A\t");
	do_hang(question);
}

/* Hears the end of its input only. */
static void do_silent(const Question *question)
{
	(void)question;
}

static void do_junk(const Question *question)
{
	(void)question;
	say(STDOUT_FILENO, "what?\n");
}

static void do_long(const Question *question)
{
	char *line = malloc(OUTSIZE + 2);

	if (line == NULL)
		exit(5);
	memset(line, 'x', OUTSIZE);
	memcpy(line + OUTSIZE, "\n", 2);
	answer(question->serial, "pass", "narrow\t");
	say(STDOUT_FILENO, line);
	free(line);
}

static void do_flood(const Question *question)
{
	(void)question;
	for (;;)
		say(STDOUT_FILENO, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void do_twice(const Question *question)
{
	char lines[200];

	(void)snprintf(lines, sizeof lines, "A\t%s\tpass\tnarrow\t\nA\t%s\tpass\tnarrow\t\n", question->serial, question->serial);
	say(STDOUT_FILENO, lines);
}

static void do_late(const Question *question)
{
	(void)poll(NULL, 0, 300);
	answer(question->serial, "pass", "narrow");
}

/* The answer is fine; what comes behind it, when the question is over, is not. */
static void do_chatter(const Question *question)
{
	answer(question->serial, "pass", "narrow");
	(void)poll(NULL, 0, 50);
	say(STDOUT_FILENO, "A\t2\tpass\tnarrow\t\n");
}

static void do_leave(const Question *question)
{
	answer(question->serial, "pass", "narrow");
	exit(0);
}

static void do_wrongserial(const Question *question)
{
	char serial[40];

	(void)snprintf(serial, sizeof serial, "%llu", strtoull(question->serial, NULL, 10) + 1);
	answer(serial, "pass", "narrow");
}

static void do_close(const Question *question)
{
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	do_hang(question);
}

static void do_complain(const Question *question)
{
	say(STDERR_FILENO, "bad \033[31m name\nthe ");
	say(STDERR_FILENO, "end");
	do_crash(question);
}

static void do_loud(const Question *question)
{
	(void)question;
	for (;;)
		say(STDERR_FILENO, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
}

/* Passes where the milter has given it nothing but three descriptors, its stopping signals blocked and everything else by
 * default. */
static void do_naked(const Question *question)
{
	bool naked = environ[0] == NULL;
	struct sigaction action;
	sigset_t blocked;

	for (int fd = STDERR_FILENO + 1; fd < FDS; fd++)
		naked = naked && fcntl(fd, F_GETFD) < 0;
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	naked = naked && sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
	naked = naked && sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT);
	naked = naked && !sigismember(&blocked, SIGALRM) && !sigismember(&blocked, SIGUSR2);
	answer_if(question, naked);
}

/* Passes where it was asked word for word as the test asks. */
static void do_fields(const Question *question)
{
	long timeout = atol(question->timeout);

	answer_if(question, strcmp(question->what, "check") == 0 && strcmp(question->client, "192.0.2.7") == 0 &&
	    strcmp(question->helo, "mx%20one.example") == 0 && strcmp(question->sender, "fields@a%0Ab%25.example") == 0 &&
	    timeout > 1000 && timeout < 30000);
}

static void do_policy(const Question *question)
{
	answer_if(question, strcmp(question->what, "policy") == 0 && strcmp(question->client, "") == 0);
}

static void do_argument(const Question *question)
{
	const char *at = strchr(question->sender, '@');

	answer_if(question, argument != NULL && at != NULL && strcmp(argument, at + 1) == 0);
}

static const struct {
	const char *name;
	void (*act)(const Question *question);
} acts[] = {
	{ "crash", do_crash }, { "exit", do_exit }, { "hang", do_hang }, { "half", do_half }, { "silent", do_silent }, { "junk", do_junk },
	{ "long", do_long }, { "flood", do_flood }, { "twice", do_twice }, { "late", do_late }, { "chatter", do_chatter },
	{ "wrongserial", do_wrongserial }, { "close", do_close }, { "complain", do_complain }, { "loud", do_loud }, { "naked", do_naked },
	{ "fields", do_fields }, { "policy", do_policy }, { "argument", do_argument }, { "leave", do_leave },
};

static void act_on(const Question *question)
{
	char *word = strndup(question->sender, strcspn(question->sender, "@"));
	char *dash = word != NULL ? strchr(word, '-') : NULL;

	if (word == NULL)
		exit(5);
	if (dash != NULL) {
		*dash = '\0';
		answer(question->serial, word, dash + 1);
		free(word);
		return;
	}
	for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
		if (strcmp(word, acts[i].name) == 0) {
			free(word);
			acts[i].act(question);
			return;
		}
	}
	exit(6);
}

int main(int argc, char **argv)
{
	static const char option[] = "--nameserver=";
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	if (argc > 1 && strncmp(argv[1], option, strlen(option)) == 0)
		argument = argv[1] + strlen(option);
	if (argument != NULL && strcmp(argument, "exit") == 0)
		return 7;
	(void)alarm(LIFE_SECONDS);
	/* As outage-spf does. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while ((size = getline(&line, &room, stdin)) > 0) {
		char *rest = line, *fields[7];
		Question question;

		if (line[size - 1] != '\n')
			return 8;
		line[size - 1] = '\0';
		for (size_t i = 0; i < 7; i++)
			if ((fields[i] = strsep(&rest, "\t")) == NULL)
				return 8;
		if (rest != NULL || strcmp(fields[0], "Q") != 0)
			return 8;
		question = (Question){ fields[1], fields[2], fields[3], fields[4], fields[5], fields[6] };
		act_on(&question);
	}
	free(line);
	return 0;
}
