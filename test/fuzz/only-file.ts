/** Reads as from a machine that has this one file. */
export const onlyFile = (path: string, text: string) => async (asked: string) => {
  if (asked === path) return text;
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
