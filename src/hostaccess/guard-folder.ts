import { join } from 'node:path';

/** Where the guards' namespaces are kept. */
export const guardFolder = (runDir: string): string => join(runDir, 'guard');
