/* error: the quark behind OUTAGE_ERROR (see error.h). Layer: base. */
#include "base/error.h"

G_DEFINE_QUARK(outage-error-quark, outage_error)
