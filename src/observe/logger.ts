/** Fields of a log line. Never put a credential, token or user-data into one. */
export type Fields = Readonly<Record<string, unknown>>;

/** What the parts of the daemon log through; pino fits as it is. */
export interface Logger {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  child(fields: Fields): Logger;
}

/** A logger that keeps nothing, for tests and short commands. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
