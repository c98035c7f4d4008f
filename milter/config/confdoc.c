/* confdoc: prints what is made from the table of settings: `confdoc sample` conf/outage-milter.conf, `confdoc manual`
 * man/outage-milter.conf.5. For those who change the table; not installed. Layer: config. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"

int main(int argc, char **argv)
{
	g_autofree char *text = NULL;

	if (argc == 2 && strcmp(argv[1], "sample") == 0)
		text = config_sample();
	else if (argc == 2 && strcmp(argv[1], "manual") == 0)
		text = config_manual();
	if (text == NULL) {
		fputs("usage: confdoc sample | manual\n", stderr);
		return 2;
	}
	if (fputs(text, stdout) == EOF || fflush(stdout) != 0) {
		perror("confdoc");
		return 1;
	}
	return 0;
}
