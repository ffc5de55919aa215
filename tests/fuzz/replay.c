/* Runs a fuzz target over the files of a folder; TAP, one test a file. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* A heap block of exactly its size, so that ASan guards the end. */
static uint8_t *load(const char *path, size_t *ret_n)
{
	struct stat st;
	FILE *f = fopen(path, "rb");

	if (!f)
		return NULL;
	if (fstat(fileno(f), &st)) {
		fclose(f);
		return NULL;
	}
	size_t n = (size_t)st.st_size;
	uint8_t *p = malloc(n + !n);
	if (p && fread(p, 1, n, f) != n) {
		free(p);
		p = NULL;
	}
	fclose(f);
	*ret_n = n;
	return p;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **names = NULL;
	int n = argc == 2 ? scandir(argv[1], &names, visible, alphasort) : -1;
	int bad = 0;

	if (n <= 0) {
		fprintf(stderr, "usage: %s FOLDER (with files)\n", argv[0]);
		return 2;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[1024];
		size_t size = 0;

		snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
		uint8_t *data = load(path, &size);
		if (data)
			LLVMFuzzerTestOneInput(data, size);
		bad += !data;
		printf("%sok %d - %s\n", data ? "" : "not ", i + 1,
		    names[i]->d_name);
		fflush(stdout);
		free(data);
		free(names[i]);
	}
	free(names);
	return bad ? 1 : 0;
}
