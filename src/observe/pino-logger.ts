import { type DestinationStream, type Logger as Pino, pino, stdSerializers } from 'pino';
import { isJournal, journalDestination } from './journal.ts';
import type { Fields, Logger } from './logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The least severe lines that are written; it may change while loggers and their children live. */
export interface Threshold {
  level: LogLevel;
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Keys whose values are never written, wherever they are: the second line of defence, behind not logging secrets. */
const secret = /passw(or)?d|passphrase|secret|token|credential|cookie|user_?data|^auth$|authorization/i;

/** Deeper values are left out: nothing that is logged nests so far, and a circle would. */
const deepest = 6;

/** The daemon's: a line of JSON each on standard error, or a line for the journal where that is the journal's. */
export function standardLogger(threshold: Threshold, env: Readonly<Record<string, string | undefined>>): Logger {
  const standardError = pino.destination({ fd: 2, sync: true });
  return pinoLogger(threshold, isJournal(env, 2) ? journalDestination(standardError) : standardError);
}

/** A logger that writes a line of JSON each. */
export function pinoLogger(threshold: Threshold, destination: DestinationStream): Logger {
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: label => ({ level: label }),
        log: fields => censor(fields, 0) as Record<string, unknown>,
      },
    },
    destination,
  );
  return censored(logger, threshold);
}

/** A child's fields go past pino's formatters, so they are looked at here; its level would stay that of its birth. */
function censored(logger: Pino, threshold: Threshold): Logger {
  const at = (level: LogLevel) => (fields: Fields, message: string) => {
    if (severity[level] >= severity[threshold.level]) logger[level](fields, message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => censored(logger.child(censor(fields, 0) as Record<string, unknown>), threshold),
  };
}

function censor(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === deepest) return '(deeper)';
  if (value instanceof Error) return censor({ ...stdSerializers.err(value) }, depth);
  if (value instanceof Map || value instanceof Set) return censor([...value], depth);
  if (Array.isArray(value)) return value.map(item => censor(item, depth + 1));
  if ('toJSON' in value && typeof value.toJSON === 'function') return censor(value.toJSON(), depth + 1);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, secret.test(key) ? '(not logged)' : censor(item, depth + 1)]),
  );
}
