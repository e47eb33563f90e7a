import { type DestinationStream, type Logger as Pino, pino, stdSerializers } from 'pino';
import type { Logger } from './logger.ts';

/** Keys whose values are never written, wherever they are: the second line of defence, behind not logging secrets. */
const secret = /passw(or)?d|passphrase|secret|token|credential|cookie|user_?data|^auth$|authorization/i;

/** Deeper values are left out: nothing that is logged nests so far, and a circle would. */
const deepest = 6;

/**
 * A logger that writes a line of JSON each.
 *
 * @param destination where the lines go: standard error, each written before the call returns, unless told otherwise
 */
export function pinoLogger(level: 'debug' | 'info' | 'warn' | 'error', destination?: DestinationStream): Logger {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: label => ({ level: label }),
        log: fields => censor(fields, 0) as Record<string, unknown>,
      },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return censored(logger);
}

/** A child's fields go past pino's formatters, so they are looked at here. */
function censored(logger: Pino): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: fields => censored(logger.child(censor(fields, 0) as Record<string, unknown>)),
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
