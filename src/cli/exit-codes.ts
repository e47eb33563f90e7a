/** How a command ends, and what the manual says of it. Those from 64 to 78 are sysexits.h's. */
export const exitCodes = {
  done: { code: 0, text: 'It is done.' },
  failed: {
    code: 1,
    text: 'It failed. The error says why and what to do; its code, in brackets, is one of kuryr-errors(7).',
  },
  usage: { code: 64, text: 'The command line, a variable or the file cannot be understood.' },
  nodeTooOld: {
    code: 69,
    text: 'The Node that runs it is too old: of the npm package alone, the others have their own.',
  },
  interrupted: { code: 130, text: 'A signal ended it.' },
} as const;
