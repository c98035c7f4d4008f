/* rules-syntax: the pieces of PCRE2's syntax that rules-starts.c and rules-needs.c both read. Layer: inspect. */
#include "inspect/rules-private.h"

#include <string.h>

bool syntax_skip_group_kind(const char **at, bool *zero_width)
{
	*zero_width = false;
	if (**at == '*')
		return false;
	if (**at != '?')
		return true;
	const char *kind = ++*at;
	if (strchr(":>|=!", *kind) && *kind) {
		*zero_width = *kind == '=' || *kind == '!';
		(*at)++;
		return true;
	}
	if (*kind == '<' && (kind[1] == '=' || kind[1] == '!')) {
		*zero_width = true;
		(*at) += 2;
		return true;
	}
	gsize flags = strspn(kind, "ims-");
	if (flags > 0 && (kind[flags] == ':' || kind[flags] == ')')) {
		(*at) += flags + (kind[flags] == ':');
		return true;
	}
	gsize name = *kind == '<' ? 1 + strspn(kind + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") : 0;
	if (name > 1 && kind[name] == '>') {
		(*at) += name + 1;
		return true;
	}
	return false;
}

bool syntax_quantifier(const char **place, guint64 *least, guint64 *most)
{
	const char *at = *place;
	char *end = NULL;
	*least = *at == '+';
	*most = *at == '?' ? 1 : G_MAXUINT64;
	if (*at == '{' && g_ascii_isdigit(at[1])) {
		*least = *most = g_ascii_strtoull(at + 1, &end, 10);
		if (*end == ',')
			*most = g_ascii_isdigit(end[1]) ? g_ascii_strtoull(end + 1, &end, 10) : (end++, G_MAXUINT64);
		if (*end != '}')
			return false;
		at = end;
	} else if (!*at || !strchr("?*+", *at)) {
		return false;
	}
	at++;
	*place = at + (*at == '?' || *at == '+');
	return true;
}
