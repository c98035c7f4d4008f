/* settings: what a setting is, and the tables of them. Layer: config; private to it.
 *
 * A table row says where in which struct a setting lies, how its text is read, what it is by default and what it means. The
 * reader (config-file.c), the defaults, the comparison on reload, the sample and the manual all walk the same rows. */
#ifndef OUTAGE_CONFIG_SETTINGS_H
#define OUTAGE_CONFIG_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* How the text of a setting is read and what it becomes in the struct. */
typedef enum {
	FORM_BOOL,           /* bool */
	FORM_WHEN,           /* When */
	FORM_INTEGER,        /* gint64 */
	FORM_SIZE,           /* gint64, bytes */
	FORM_DURATION,       /* gint64, milliseconds */
	FORM_SECONDS,        /* gint64, seconds */
	FORM_FLOAT,          /* double */
	FORM_CHOICE,         /* int: index into choices */
	FORM_MODE,           /* gint64: permission bits */
	/* From here on char *, or char ** where list is set; checked, and normalised where two spellings mean the same. */
	FORM_WORD,           /* one of choices */
	FORM_TEXT,           /* one line */
	FORM_LINES,          /* may hold line ends */
	FORM_PATH,           /* a relative one counts from the configuration's folder */
	FORM_ABSOLUTE_PATH,
	FORM_USER,
	FORM_ADDRESS,        /* as written */
	FORM_KEY_ADDRESS,    /* normalised */
	FORM_SENDER,         /* normalised address or @domain */
	FORM_DOMAIN,
	FORM_HELO,           /* domain or address literal */
	FORM_HOST,           /* IP or CIDR */
	FORM_HTTPS,
	FORM_RELAY,
	FORM_NAMESERVER,     /* IP with an optional port */
	FORM_LISTEN,         /* IP and port */
	FORM_BOUNCE,         /* normalised address with room for a tag */
	FORM_STORE_URL,
	FORM_STORE_PREFIX,
	FORM_SOCKET,
	FORM_HEADER,         /* a header that is read */
	FORM_SET_HEADER,     /* a header that may be set or removed */
	FORM_HEADER_PREFIX,
	FORM_AUTHSERV,
	FORM_LIST_ID,
	FORM_LANGUAGE,
	FORM_TIMEZONE,
	FORM_TEMPLATE,
	FORM_TOKEN,
	FORM_INCIDENT,
	FORM_GROUPS,         /* a list of groups, read by `read` into the struct */
	FORMS
} Form;

typedef struct Reader Reader;
struct config_setting_t;

typedef struct {
	const char *name;            /* dotted: groups of the file, then the setting */
	Form form;
	bool list;
	bool restart;                /* takes effect only at a restart */
	gsize offset;
	const char *standard;        /* default as text, elements separated by ", "; NULL = unset; of FORM_GROUPS: file syntax */
	double min, max;             /* in the struct's unit; both 0 = any */
	const char *const *choices;  /* NULL-terminated */
	void (*read)(const Reader *reader, const struct config_setting_t *node, gpointer base);
	const char *section;         /* opens a section of this title */
	const char *help;            /* NULL: as the row of the same name for another severity */
} Setting;

typedef struct {
	const Setting *rows;
	gsize count;
} SettingTable;

/* The tables; the first lies over Config, the others over SupportAddress, Route and RouteHeader. */
extern const SettingTable settings_main, settings_support, settings_route, settings_route_header, settings_offer;

/* Offset of a member, checked at compile time to be of that type. */
#define OFFSET(Struct, type, member) \
	(offsetof(Struct, member) + 0 * sizeof((type *)NULL == &((Struct *)NULL)->member))
#define NUMBER_AT(Struct, how, member) .form = (how), .offset = OFFSET(Struct, gint64, member)
#define TEXT_AT(Struct, how, member) .form = (how), .offset = OFFSET(Struct, char *, member)
#define LIST_AT(Struct, how, member) .form = (how), .list = true, .offset = OFFSET(Struct, char **, member)
#define CHOICE_AT(Struct, member, words) .form = FORM_CHOICE, .offset = OFFSET(Struct, int, member), .choices = (words)
#define FLOAT_AT(Struct, member) .form = FORM_FLOAT, .offset = OFFSET(Struct, double, member)
#define BOOL_AT(Struct, member) .form = FORM_BOOL, .offset = OFFSET(Struct, bool, member)
#define WHEN_AT(Struct, member) .form = FORM_WHEN, .offset = OFFSET(Struct, When, member)
#define TABLE_OF(array) { (array), G_N_ELEMENTS(array) }

/* What libconfig may find where a setting of a form is wanted. */
enum { TAKES_BOOL = 1, TAKES_INTEGER = 2, TAKES_FLOAT = 4, TAKES_STRING = 8 };

typedef struct {
	const char *name;     /* in the manual: "duration" */
	const char *wanted;   /* in a mistake: "a duration in quotes such as \"30s\"" */
	int takes;
} FormInfo;

/* Returns what is known of form (static). */
const FormInfo *form_info(Form form);

/* Returns true where the form is kept as text. */
static inline bool form_is_text(Form form) { return form >= FORM_WORD && form != FORM_GROUPS; }

/* Reads text as the setting's number, checks its range and stores it into base. Error text: what is wrong, without the name. */
bool setting_set_number(const Setting *setting, gpointer base, const char *text, GError **error);

/* Returns text (or one element of a list) as it is kept, checked and normalised; dir: folder of the configuration. NULL
 * with error; caller frees. */
char *setting_normal_text(const Setting *setting, const char *text, const char *dir, GError **error);

/* Stores value (taken over) into base, freeing what was there. An empty text is NULL where the default is NULL. */
void setting_set_text(const Setting *setting, gpointer base, char *value);
void setting_set_list(const Setting *setting, gpointer base, char **value);

/* Sets every setting of table to its default; members without one are left alone. */
void settings_set_defaults(const SettingTable *table, gpointer base, const char *dir);

/* Frees what base holds by table. */
void settings_clear(const SettingTable *table, gpointer base);

/* Returns true where the setting is the same in both. */
bool setting_equal(const Setting *setting, gconstpointer one, gconstpointer other);

/* Gives it in `to` the value that it has in `from`; not of FORM_GROUPS, which are always taken over on reload. */
void setting_copy(const Setting *setting, gconstpointer from, gpointer to);

/* Returns value in the setting's own notation ("30s", "256K", "5"); caller frees. */
char *setting_format(const Setting *setting, double value);

/* Returns the range as "LOW to HIGH", or NULL where there is none; caller frees. */
char *setting_range(const Setting *setting);

/* Returns true where name is one of the headers that mail and its authentication stand on, never to be set or removed. */
bool header_is_standard(const char *name);

#endif
