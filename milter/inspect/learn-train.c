/* learn-train: finds the plane between two kinds of texts (learn-private.h). Layer: inspect. Pure.
 *
 * A support vector machine with squared hinge loss, L2-regularised, by dual coordinate descent (Hsieh et al., ICML 2008): of the
 * linear classifiers it needs neither a learning rate nor a logarithm, so that the same texts give the same bytes on every
 * machine (this file and its siblings are compiled without fused multiplications). Order is shuffled by a generator of our own,
 * for the same reason. */
#include "inspect/learn-private.h"

/* The price of an error beside that of a steep plane. */
#define COST 1.0
/* The plane's base counts as a feature of this share that every text has. */
#define BASE_SHARE 1.0
/* Rounds through all texts; by then nothing moves that matters. */
#define ROUNDS 20

/* xorshift64 (Marsaglia 2003). */
static guint64 next_random(guint64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void shuffle(guint *order, guint count, guint64 *state)
{
	for (guint i = count; i > 1; i--) {
		guint other = (guint)(next_random(state) % i), swapped = order[i - 1];

		order[i - 1] = order[other];
		order[other] = swapped;
	}
}

double plane_side(const Plane *plane, const Example *example)
{
	const double *weights = plane->weights;
	const guint32 *ids = example->ids;
	const float *shares = example->shares;
	double side = plane->base;

	for (guint f = 0, count = example->count; f < count; f++)
		side += weights[ids[f]] * shares[f];
	return side;
}

static double length_squared(const Example *example)
{
	double sum = BASE_SHARE * BASE_SHARE;

	for (guint f = 0; f < example->count; f++)
		sum += (double)example->shares[f] * example->shares[f];
	return sum;
}

/* One step of the descent: the multiplier of one example. */
static void improve(Plane *plane, const Example *example, double *multiplier, double length)
{
	double *weights = plane->weights;
	const guint32 *ids = example->ids;
	const float *shares = example->shares;
	double label = example->outage ? 1 : -1;
	double slack = 1 / (2 * COST * example->weight);
	double gradient = label * plane_side(plane, example) - 1 + slack * *multiplier;
	double better = MAX(0, *multiplier - gradient / (length + slack));
	double step = (better - *multiplier) * label;

	if (step == 0)
		return;
	*multiplier = better;
	for (guint f = 0, count = example->count; f < count; f++)
		weights[ids[f]] += step * shares[f];
	plane->base += step * BASE_SHARE * BASE_SHARE;
}

Plane *plane_new(const Corpus *corpus, guint parts, guint without)
{
	Plane *plane = g_new0(Plane, 1);
	g_autofree guint *order = g_new(guint, corpus->examples->len + 1);
	g_autofree double *multipliers = g_new0(double, corpus->examples->len + 1), *lengths = g_new0(double, corpus->examples->len + 1);
	guint64 state = 0x9e3779b97f4a7c15ULL;
	guint count = 0;

	plane->weights = g_new0(double, corpus->features + 1);
	for (guint i = 0; i < corpus->examples->len; i++) {
		const Example *example = g_ptr_array_index(corpus->examples, i);

		if (parts > 0 && example->key % parts == without)
			continue;
		order[count++] = i;
		lengths[i] = length_squared(example);
	}
	for (guint round = 0; round < ROUNDS; round++) {
		shuffle(order, count, &state);
		for (guint i = 0; i < count; i++)
			improve(plane, g_ptr_array_index(corpus->examples, order[i]), &multipliers[order[i]], lengths[order[i]]);
	}
	return plane;
}

void plane_free(Plane *plane)
{
	if (plane == NULL)
		return;
	g_free(plane->weights);
	g_free(plane);
}
