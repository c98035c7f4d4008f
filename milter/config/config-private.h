/* config-private: the reader of the file, shared by config.c, config-file.c and config-lists.c. Layer: config. */
#ifndef OUTAGE_CONFIG_CONFIG_PRIVATE_H
#define OUTAGE_CONFIG_CONFIG_PRIVATE_H

#include <libconfig.h>

#include "config/config.h"
#include "config/settings.h"

/* One file being read. */
struct Reader {
	const char *file;    /* as mistakes name it */
	const char *dir;     /* its folder, absolute */
	GPtrArray *mistakes; /* of Mistake, private to config-file.c */
};

/* Parses text of reader's file. Returns false, with mistakes recorded, where it cannot be used at all; otherwise parsed is
 * to be given to config_destroy. */
bool reader_parse(const Reader *reader, const char *text, gsize size, config_t *parsed);

/* Walks group against table, filling base. label: what stands before the names in mistakes, e.g. "support.". */
void reader_walk(const Reader *reader, config_setting_t *group, const char *label, const SettingTable *table, gpointer base);

/* Records a mistake at node. */
void reader_mistake(const Reader *reader, const config_setting_t *node, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Records a mistake at a line, 0 = of the file as a whole. */
void reader_mistake_line(const Reader *reader, guint line, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Prepares reader; reader_finish moves what was recorded to mistakes (char *), in the order of lines. */
void reader_init(Reader *reader, const char *file, const char *dir);
void reader_finish(Reader *reader, GPtrArray *mistakes);

/* The lists of groups; base is the Config, or the Route for headers. */
void lists_read_support(const Reader *reader, const config_setting_t *node, gpointer base);
void lists_read_offers(const Reader *reader, const config_setting_t *node, gpointer base);
void lists_read_routes(const Reader *reader, const config_setting_t *node, gpointer base);
void lists_read_route_headers(const Reader *reader, const config_setting_t *node, gpointer base);
void lists_free(Config *config);

/* The routes and an example of support addresses, as they would stand in the file. */
extern const char lists_shipped_routes[], lists_support_example[], lists_offers_example[];

/* Sets the shipped routes where config has none. */
void lists_set_shipped_routes(Config *config);

#endif
