/* test-base: addresses, times, durations, secrets and the log's escaping. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"

static void one_customer_has_one_key(void)
{
	static const struct {
		const char *text, *normal, *untagged;
	} cases[] = {
		{ "Jane@Example.COM", "jane@example.com", "jane@example.com" },
		{ "<Jane+Work@Example.com.>", "jane+work@example.com", "jane@example.com" },
		{ " jane@b\xc3\xbc" "cher.example ", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example" },
		{ "J\xc3\x96RG@example.com", "j\xc3\xb6rg@example.com", "j\xc3\xb6rg@example.com" },
		{ "\"Jane\"@example.com", "jane@example.com", "jane@example.com" },
		{ "\"Jane Doe\"@example.com", "\"jane doe\"@example.com", "\"jane doe\"@example.com" },
		{ "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "+tag@example.com", "+tag@example.com", "+tag@example.com" },
		{ "a..b@example.com", "a..b@example.com", "a..b@example.com" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Address) address = address_parse(cases[i].text, &error);
		g_assert_no_error(error);
		g_autofree char *normal = address_normal(address);
		g_autofree char *untagged = address_normal_untagged(address);

		g_assert_cmpstr(normal, ==, cases[i].normal);
		g_assert_cmpstr(untagged, ==, cases[i].untagged);
	}
}

static void what_is_no_address_is_never_written_to(void)
{
	static const char *const bad[] = {
		"", "<>", "jane", "jane@", "@example.com", "jane@exa mple.com", "jane@example.com\r\nRCPT TO:<x@y.z>", "jane@.com",
		"jane@a..b", "ja ne@example.com", "jane@@example.com", "<@relay.example:jane@example.com>", "jane@example.com>",
		"\"jane@example.com", "\"jane\"x@example.com", "jane@[192.0.2.1", "jane@[]", "j\xff@example.com", "jane@exa<mple.com",
	};
	g_autofree char *longest = g_strnfill(400, 'a');
	g_autofree char *too_long = g_strconcat(longest, "@example.com", NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(address_parse(bad[i], &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_null(strpbrk(error->message, "\r\n"));
	}
	g_assert_null(address_parse(too_long, NULL));
	g_assert_null(address_normal_text(NULL));
}

static void domains_are_compared_by_labels(void)
{
	g_autofree char *organisation = domain_organisational("mail.support.example.co.uk");
	g_autofree char *suffix = domain_organisational("co.uk");

	g_assert_true(domain_is_under("a.example.com", "example.com"));
	g_assert_true(domain_is_under("example.com", "example.com"));
	g_assert_false(domain_is_under("badexample.com", "example.com"));
	g_assert_false(domain_is_under("example.com", "a.example.com"));
	g_assert_cmpstr(organisation, ==, "example.co.uk");
	g_assert_null(suffix);
	g_assert_true(domain_is_public_suffix("co.uk"));
	g_assert_false(domain_is_public_suffix("example.co.uk"));
}

static void promised_times_are_read_exactly(void)
{
	static const struct {
		const char *text;
		gint64 seconds;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-21T15:10:00Z", 1795273800 },
		{ "2026-11-21t15:10:00.25z", 1795273800 },
		{ "2026-11-21 16:10:00+01:00", 1795273800 },
		{ "2026-11-21T10:10:00-05:00", 1795273800 },
		{ " 2026-11-21T15:10:00Z\n", 1795273800 },
		{ "2016-12-31T23:59:60Z", 1483228800 },
	};
	static const char *const bad[] = { "", "now", "2026-11-21", "2026-11-21T15:10Z", "2026-11-21T15:10:00", "2026-02-30T00:00:00Z",
		"2026-11-21T25:00:00Z", "2026-11-21T15:10:00ZZ", "2026-11-21T15:10:00+0100", "2026-11-21T15:10:00.Z", "1969-12-31T23:59:59Z" };

	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		gint64 seconds = -1;

		g_assert_true(clock_parse(good[i].text, &seconds));
		g_assert_cmpint(seconds, ==, good[i].seconds);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		gint64 seconds = 7;

		g_assert_false(clock_parse(bad[i], &seconds));
		g_assert_cmpint(seconds, ==, 7);
	}
	g_assert_false(clock_parse(NULL, NULL));
}

static void durations_say_their_unit(void)
{
	static const struct {
		const char *text;
		gint64 milliseconds;
		const char *shortest;
	} good[] = {
		{ "0", 0, "0" }, { "250ms", 250, "250ms" }, { "90s", 90000, "1m30s" }, { "30m", 1800000, "30m" }, { "4h30m", 16200000, "4h30m" },
		{ "48h", 172800000, "2d" }, { "1w", 604800000, "7d" }, { "1m1ms", 60001, "1m1ms" },
	};
	static const char *const bad[] = { "", "5", "m", "-5m", "5 m", "5mm5", "1.5h", "99999999999999999999s", "5x" };

	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		gint64 milliseconds = -1;
		g_autofree char *text = clock_format_duration(good[i].milliseconds);

		g_assert_true(clock_parse_duration(good[i].text, &milliseconds));
		g_assert_cmpint(milliseconds, ==, good[i].milliseconds);
		g_assert_cmpstr(text, ==, good[i].shortest);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		gint64 unused;

		g_assert_false(clock_parse_duration(bad[i], &unused));
	}
}

static void an_id_can_be_read_back(void)
{
	g_autofree char *text = clock_format_compact(1795273800);
	g_autofree char *id = g_strconcat(text, "-default", NULL);
	gint64 seconds = 0;

	g_assert_cmpstr(text, ==, "20261121T151000Z");
	g_assert_true(clock_parse_compact(id, &seconds));
	g_assert_cmpint(seconds, ==, 1795273800);
	g_assert_false(clock_parse_compact("garbage", &seconds));
}

static void nothing_starts_a_second_log_line(void)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{ "plain", "plain" },
		{ "two\nlines\r", "two\\x0alines\\x0d" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "bad \xff\xfe bytes", "bad \\xff\\xfe bytes" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "line\xe2\x80\xa8sep", "line\\u2028sep" },
		{ "rtl\xe2\x80\xae", "rtl\\u202e" },
		{ NULL, "" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *escaped = log_escape(cases[i].text, 0);

		g_assert_cmpstr(escaped, ==, cases[i].escaped);
	}
	g_autofree char *cut = log_escape("caf\xc3\xa9s", 4);
	g_assert_cmpstr(cut, ==, "caf");
}

static void a_job_signed_elsewhere_does_not_pass(void)
{
	g_autoptr(Secret) ours = secret_generate();
	g_autoptr(Secret) theirs = secret_generate();
	g_autofree char *mac = secret_hmac(ours, "payload", -1);
	g_autofree char *short_mac = g_strndup(mac, 63);
	g_autofree char *hash = secret_address_hash(ours, "jane@example.com");

	g_assert_cmpuint(strlen(mac), ==, 64);
	g_assert_true(secret_verify(ours, "payload", -1, mac));
	g_assert_false(secret_verify(ours, "payloae", -1, mac));
	g_assert_false(secret_verify(theirs, "payload", -1, mac));
	g_assert_false(secret_verify(ours, "payload", -1, short_mac));
	g_assert_false(secret_verify(ours, "payload", -1, NULL));
	g_assert_cmpuint(strlen(hash), ==, 32);
}

static void the_secret_file_is_made_once_and_kept_private(void)
{
	g_autofree char *dir = g_dir_make_tmp("outage-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "secret", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(Secret) missing = secret_load(path, false, NULL);
	g_autoptr(Secret) first = secret_load(path, true, &error);
	g_autoptr(Secret) second = secret_load(path, true, NULL);
	struct stat st;

	g_assert_null(missing);
	g_assert_no_error(error);
	g_autofree char *a = secret_hmac(first, "x", -1);
	g_autofree char *b = secret_hmac(second, "x", -1);
	g_assert_cmpstr(a, ==, b);
	g_assert_cmpint(g_stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
	g_assert_cmpint(g_chmod(path, 0644), ==, 0);
	g_assert_null(secret_load(path, true, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_cmpint(g_chmod(path, 0600), ==, 0);
	g_assert_true(g_file_set_contents(path, "short\n", -1, NULL));
	g_assert_cmpint(g_chmod(path, 0600), ==, 0);
	g_assert_null(secret_load(path, true, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_cmpint(g_unlink(path), ==, 0);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/address/one-customer-has-one-key", one_customer_has_one_key);
	g_test_add_func("/address/what-is-no-address-is-never-written-to", what_is_no_address_is_never_written_to);
	g_test_add_func("/address/domains-are-compared-by-labels", domains_are_compared_by_labels);
	g_test_add_func("/clock/promised-times-are-read-exactly", promised_times_are_read_exactly);
	g_test_add_func("/clock/durations-say-their-unit", durations_say_their_unit);
	g_test_add_func("/clock/an-id-can-be-read-back", an_id_can_be_read_back);
	g_test_add_func("/log/nothing-starts-a-second-log-line", nothing_starts_a_second_log_line);
	g_test_add_func("/secret/a-job-signed-elsewhere-does-not-pass", a_job_signed_elsewhere_does_not_pass);
	g_test_add_func("/secret/the-file-is-made-once-and-kept-private", the_secret_file_is_made_once_and_kept_private);
	return g_test_run();
}
