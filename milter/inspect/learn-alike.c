/* learn-alike: near-duplicates among texts (learn-private.h). Layer: inspect. Pure.
 *
 * Two texts are alike where their words and pairs of words are the same but for a few: the share of common ones among all
 * (Jaccard) is at least ALIKE. To compare each with each would take hours for a large mailbox, so only those are compared that
 * agree in one of BANDS bands of ROWS smallest hashes (MinHash, Broder 1997): of texts 80 % alike 98 of 100 meet, of texts 10 %
 * alike 1 of 200. Where thousands agree in a band, by a form letter around different contents, only the last TRIES of them are
 * compared: what is nearly the same meets in another band. */
#include "inspect/learn-private.h"

#include <string.h>

#define ALIKE 0.6
#define BANDS 8
#define ROWS 3
#define TRIES 32

/* One of many orders of all hashes. */
static inline guint64 mix(guint64 hash, guint64 order)
{
	hash = (hash ^ (order * 0xd6e8feb86659fd93ULL)) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	return hash ^ (hash >> 33);
}

static guint64 band_of(const GArray *set, guint band)
{
	guint64 key = band + 1;

	for (guint row = 0; row < ROWS; row++) {
		guint64 order = (guint64)band * ROWS + row + 1, least = G_MAXUINT64;

		for (guint i = 0; i < set->len; i++)
			least = MIN(least, mix(g_array_index(set, guint64, i), order));
		key = mix(key ^ least, band + 1);
	}
	return key;
}

static bool are_alike(const GArray *a, const GArray *b)
{
	guint i = 0, j = 0, common = 0;

	if (MIN(a->len, b->len) < ALIKE * MAX(a->len, b->len))
		return false;
	while (i < a->len && j < b->len) {
		guint64 x = g_array_index(a, guint64, i), y = g_array_index(b, guint64, j);

		common += x == y;
		i += x <= y;
		j += y <= x;
	}
	return common >= ALIKE * (a->len + b->len - common);
}

static guint hash_key(gconstpointer key)
{
	return (guint) * (const guint64 *)key;
}

static gboolean same_key(gconstpointer a, gconstpointer b)
{
	return *(const guint64 *)a == *(const guint64 *)b;
}

static bool is_like_one_of(const GPtrArray *sets, const bool *labels, guint index, const GArray *others)
{
	for (guint i = others->len > TRIES ? others->len - TRIES : 0; i < others->len; i++) {
		guint other = g_array_index(others, guint, i);

		if (labels[other] == labels[index] && are_alike(g_ptr_array_index(sets, index), g_ptr_array_index(sets, other)))
			return true;
	}
	return false;
}

guint alike_find(const GPtrArray *sets, const bool *labels, bool *gone)
{
	g_autoptr(GHashTable) met = g_hash_table_new_full(hash_key, same_key, g_free, (GDestroyNotify)g_array_unref);
	guint count = 0;

	for (guint i = 0; i < sets->len; i++) {
		GArray *kept[BANDS];

		gone[i] = false;
		for (guint band = 0; band < BANDS; band++) {
			guint64 key = band_of(g_ptr_array_index(sets, i), band);

			kept[band] = g_hash_table_lookup(met, &key);
			if (kept[band] == NULL) {
				kept[band] = g_array_new(FALSE, FALSE, sizeof(guint));
				g_hash_table_insert(met, g_memdup2(&key, sizeof key), kept[band]);
			}
			gone[i] = gone[i] || is_like_one_of(sets, labels, i, kept[band]);
		}
		for (guint band = 0; band < BANDS && !gone[i]; band++)
			g_array_append_val(kept[band], i);
		count += gone[i];
	}
	return count;
}
