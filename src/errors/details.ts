/** What a text of a table is filled with. */
export type Details = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * Replaces `{name}` by the detail of that name; a missing one shows as `?`, so that a text never hides a hole. Details may
 * come from anywhere, and a terminal would obey their control characters: these become spaces.
 */
export function fillIn(template: string, details: Details): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = details[name];
    if (value === undefined) return '?';
    return (Array.isArray(value) ? value.join(', ') : String(value)).replace(/\p{C}+/gu, ' ');
  });
}
