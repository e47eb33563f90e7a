/** A file of an archive. */
export interface Member {
  readonly name: string;
  readonly data: Buffer;
}

/** An archive as ar(5) has it and deb(5) wants it: root's files of one time, seconds since 1970. */
export function archive(members: readonly Member[], seconds: number): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const { name, data } of members) {
    const fields = [
      name.padEnd(16),
      String(seconds).padEnd(12),
      ...['0', '0'].map(id => id.padEnd(6)),
      '100644'.padEnd(8),
      String(data.length).padEnd(10),
      '`\n',
    ];
    // Each member begins at an even place.
    parts.push(Buffer.from(fields.join('')), data, Buffer.from('\n'.repeat(data.length % 2)));
  }
  return Buffer.concat(parts);
}
