/** Told what goes on, a line at a time. */
export type Say = (line: string) => void;
