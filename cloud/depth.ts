/** Whether a value of JSON is nested in more levels than that. What comes from a body may be: to write it again would fail. */
export const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some(each => isDeeper(each, levels - 1)));
