/* A configuration for those who need not know its secrets. */
#include "conf/internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Puts '*' in the place of a value, and blanks behind it: the text stays as
 * long as it was.  A string's quotes stand around the token's text.
 */
static void hide(char *value, size_t len, bool string)
{
	if (!len)
		return;
	memset(value, ' ', len + string);
	value[0] = '*';
	if (string)
		value[1] = '"';
}

void conf_hide_secrets(char *text, size_t n)
{
	struct errors errors = {0};
	struct lex l;
	bool secret = false;

	lex_init(&l, text, n, &errors);
	for (struct token t = lex_next(&l); t.kind != TOKEN_END;
	     t = lex_next(&l)) {
		bool string = t.kind == TOKEN_STRING;

		if (secret && (string || t.kind == TOKEN_WORD))
			hide(text + (t.text - text), t.len, string);
		int i = t.kind == TOKEN_WORD && !secret
			    ? directive_find(&conf_block_at, &t)
			    : -1;
		secret =
		    i >= 0 && conf_block_at.directives[i].flags & DIR_SECRET;
	}
	free(errors.list);
}
