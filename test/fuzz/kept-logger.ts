import type { Fields, Logger } from '../../src/observe/logger.ts';

/** A logger whose lines can be looked through, as they would be written. */
export class KeptLogger implements Logger {
  lines: string[] = [];

  debug(fields: Fields, message: string): void {
    this.#keep(fields, message);
  }

  info(fields: Fields, message: string): void {
    this.#keep(fields, message);
  }

  warn(fields: Fields, message: string): void {
    this.#keep(fields, message);
  }

  error(fields: Fields, message: string): void {
    this.#keep(fields, message);
  }

  child(): Logger {
    return this;
  }

  #keep(fields: Fields, message: string): void {
    this.lines.push(`${JSON.stringify(fields)} ${message}`);
  }
}
